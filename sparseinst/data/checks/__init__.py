"""What can be wrong in annotated images, found all at once."""

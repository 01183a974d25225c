"""What serving costs beside the model itself."""

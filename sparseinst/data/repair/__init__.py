"""Mends what can be mended safely in an annotation file, into a new file, and says what it did."""

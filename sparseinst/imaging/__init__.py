"""Images as uint8 RGB arrays: reading, resizing, drawing, writing. Nothing here imports torch."""

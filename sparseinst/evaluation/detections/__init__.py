"""Detections that some other program wrote."""

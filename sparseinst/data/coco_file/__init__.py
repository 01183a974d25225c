"""COCO annotation files of any size, read and written piece by piece."""

"""A COCO annotation file as tables on disk: opened in no time, and shared by all processes that read it."""

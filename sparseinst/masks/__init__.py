"""Binary masks: COCO's RLE and polygons, boxes, duplicates. Nothing here imports torch."""

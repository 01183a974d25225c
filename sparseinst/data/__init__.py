"""COCO data: categories, annotations, masks, the sample set, ingestion. Nothing here knows the model."""

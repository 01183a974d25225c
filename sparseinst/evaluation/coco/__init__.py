"""The 12 COCO numbers for masks: pycocotools is the reference, hotcoco computes the same sooner."""

"""Raw outputs to instances: scores, classes, and masks at the size of the original image."""

from sparseinst.model.postprocessing.detect import detect
from sparseinst.model.postprocessing.detections import Detections
from sparseinst.model.postprocessing.options import DetectionOptions
from sparseinst.model.postprocessing.scores import maskness, score_classes

__all__ = ["DetectionOptions", "Detections", "detect", "maskness", "score_classes"]

"""Weights from files of several origins into a model, with every name accounted for."""

from sparseinst.model.weights.loading import LoadReport, load_weights
from sparseinst.model.weights.reading import read_content, reading, tensors_in

__all__ = ["LoadReport", "load_weights", "read_content", "reading", "tensors_in"]

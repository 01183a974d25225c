"""The same network, quicker: for inference alone, with the same answers."""

from sparseinst.model.inference.prepare import prepare_for_inference

__all__ = ["prepare_for_inference"]

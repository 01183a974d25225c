"""SparseInst from COCO annotations to a live Triton endpoint.

model = sparseinst.build_model("sparse_inst_r50_giam", num_classes=80)
sparseinst.load_weights(model, "model.pt")
found = sparseinst.prepare_for_inference(model).predict(images, sizes=...)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sparseinst.model.inference import prepare_for_inference
    from sparseinst.model.network import build_model
    from sparseinst.model.postprocessing import DetectionOptions
    from sparseinst.model.weights import load_weights

__all__ = ["DetectionOptions", "build_model", "load_weights", "prepare_for_inference"]

_HOMES = {
    "DetectionOptions": "sparseinst.model.postprocessing",
    "build_model": "sparseinst.model.network",
    "load_weights": "sparseinst.model.weights",
    "prepare_for_inference": "sparseinst.model.inference",
}


def __getattr__(name: str) -> Any:
    """Imports on first use: `sparseinst --help` and the serving client must not wait for torch."""
    if name not in _HOMES:
        raise AttributeError(f"module 'sparseinst' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)

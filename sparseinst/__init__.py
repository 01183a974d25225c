"""SparseInst from COCO annotations to a live Triton endpoint.

model = sparseinst.build_model("sparse_inst_r50_giam", num_classes=80)
sparseinst.load_weights(model, "model.pt")
found = model.predict(images, sizes=...)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sparseinst.model.network import build_model
    from sparseinst.model.weights import load_weights

__all__ = ["build_model", "load_weights"]

_HOMES = {"build_model": "sparseinst.model.network", "load_weights": "sparseinst.model.weights"}


def __getattr__(name: str) -> Any:
    """Imports on first use: `sparseinst --help` and the serving client must not wait for torch."""
    if name not in _HOMES:
        raise AttributeError(f"module 'sparseinst' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)

"""A network whose weights are not numbers answers with nothing, and no comparison with itself would show it."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from sparseinst.errors import ExportError

_MOST_NAMED = 20


def refuse_non_finite(weights: Mapping[str, Tensor], where: str) -> None:
    """Raises an ExportError that names the parameters which hold NaN or infinite values."""
    wrong = {name: int((~tensor.isfinite()).sum()) for name, tensor in weights.items()}
    wrong = {name: count for name, count in wrong.items() if count}
    if wrong:
        details = [f"{name}: {count} of {weights[name].numel()} values" for name, count in wrong.items()]
        more = len(details) - _MOST_NAMED
        raise ExportError(
            f"{len(wrong)} of the checkpoint's {len(weights)} parameters hold NaN or infinite values.",
            where=where,
            details=[*details[:_MOST_NAMED], *([f"and {more} more"] if more > 0 else [])],
            fix="Export an earlier checkpoint, e.g. best.pt, and see in the training report when the loss went astray.",
        )

"""How far an export's answers are from its checkpoint's, in Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sparseinst.pages.markdown import document, plain, table

_WHAT = {
    "unmatched": "objects without a counterpart",
    "score": "score",
    "probability": "a mask's probability, in a cell of its grid",
    "mask": "share of a mask's pixels",
}


def parity_summary(name: str, parity: Mapping[str, Any]) -> str:
    """Markdown of the content of parity.json, for a model of this name in Triton."""
    lines = [f"# Export of {plain(name)}: as trained", ""]
    if parity.get("warning"):
        lines += [f"**{plain(str(parity['warning']))}**", ""]
    for run in (parity, *parity["also"]):
        form = str(run.get("format", ""))
        lines += [
            f"## {plain(form)} on {plain(str(run['device']))}, {plain(str(run['dtype']))}",
            "",
            f"{len(run['cases'])} images, {run['instances_compared']} objects compared with the checkpoint's; "
            f"{run['undecided']} lie at the score threshold, where either answer is right.",
            "",
        ]
        lines += table(("worst difference of", "found", "tolerated", "in"), [_row(run, figure) for figure in _WHAT])
    return document(lines)


def _row(run: Mapping[str, Any], figure: str) -> tuple[str, str, str, str]:
    found, most = run["worst"][figure], run["tolerances"][figure]
    return _WHAT[figure], f"{found:.3g}", f"{most:g}", str(run["worst_where"].get(figure, ""))

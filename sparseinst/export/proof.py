"""parity.json: what was compared on which device, how far apart it was, and whether the export may be written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sparseinst.errors import ExportError
from sparseinst.export.cases import parity_cases
from sparseinst.export.golden import Pixels
from sparseinst.export.parity import Program, measure_parity
from sparseinst.log import get_logger
from sparseinst.model.network import SparseInst

log = get_logger("export")

_NOTHING = "no instance was found in any image: nothing but the sizes of the answers was compared"


def prove_parity(
    model: SparseInst,
    programs: Sequence[tuple[str, str, Program]],
    images: Sequence[Pixels],
    metadata: Mapping[str, Any],
) -> dict[str, Any]:
    """Compares every exported program with the eager model.

    Args:
        model: The eager model in float32, on the CPU.
        programs: The format's name, the device ("cpu" or "cuda") and the program, TorchScript on the CPU first.
        images: The golden images.
        metadata: The export's.

    Returns:
        The content of parity.json: the first program's figures, those of the others under "also", and "passed", which
        is about all of them. With a "warning" where no instance was found.
    """
    dtype = str(metadata["dtype"])
    runs = []
    for form, device, program in programs:
        # On CPUs without instructions for half precision it takes ten times as long.
        is_slow = device == "cpu" and (dtype != "float32" or form != programs[0][0])
        cases = parity_cases(images, int(metadata["short_side"]), int(metadata["longest_side"]), is_slow=is_slow)
        runs.append({"format": form, **measure_parity(model, program, cases, dtype=dtype, device=device)})
    parity = {**runs[0], "also": runs[1:], "passed": all(run["passed"] for run in runs)}
    if not any(run["instances_compared"] for run in runs):
        log.warning("%s. Give photos with --photo, and see that the model is trained.", _NOTHING)
        parity["warning"] = _NOTHING
    return parity


def refusal(parity: Mapping[str, Any], where: str) -> ExportError:
    """The error of a parity that did not pass: figures, tolerances and the worst cases."""
    failed = [run for run in (parity, *parity["also"]) if _faults(run)]
    fix = "Report this as a bug; nothing was written."
    if parity["dtype"] != "float32":
        fix = "Export in float32 (nothing was written): the lower precision changes this model's answers too much."
    return ExportError(
        "The export does not answer as the checkpoint does.",
        where=where,
        details=[f"{run['format']} on {run['device']}: {fault}" for run in failed for fault in _faults(run)],
        fix=fix,
    )


def _faults(run: Mapping[str, Any]) -> list[str]:
    return [
        f"{name} {run['worst'][name]:.3g}, tolerated {most:g} ({run['worst_where'][name]})"
        for name, most in run["tolerances"].items()
        if run["worst"][name] > most
    ]

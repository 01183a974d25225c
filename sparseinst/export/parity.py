"""The proof that the exported model answers as the trained one: same instances, scores and masks."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sparseinst.export.cases import Case
from sparseinst.export.comparison import tolerance_of
from sparseinst.export.contract import OUTPUTS
from sparseinst.export.expectation import Deviation, Expectation
from sparseinst.log import get_logger
from sparseinst.model.network import SparseInst
from sparseinst.model.preprocessing import padded_size

log = get_logger("export")

Program = Callable[[Tensor], Sequence[Tensor]]

_FIGURES = ("unmatched", "score", "probability", "mask")


def measure_parity(
    model: SparseInst, program: Program, cases: Sequence[Case], *, dtype: str = "float32", device: str = "cpu"
) -> dict[str, Any]:
    """Compares an exported program with the eager model, case by case.

    Args:
        model: The eager model, in `eval()` mode: in float32 on the CPU it is the measure of everything.
        program: The export, on `device`: images to the contract's outputs in their order.
        cases: See `parity_cases`.
        dtype: The format of the export's convolutions, which decides what is tolerated.
        device: "cpu" or "cuda".

    Returns:
        Every case, the worst figures and where each was found, the tolerances, how many instances were compared, and
        "passed".
    """
    tolerance = tolerance_of({"dtype": dtype}, on_gpu=device == "cuda")
    found: list[dict[str, Any]] = []
    passed = True
    for number, case in enumerate(cases, start=1):
        begin = time.monotonic()
        for index, deviation in enumerate(_deviations(model, program, case, dtype=dtype, device=device)):
            passed = passed and deviation.is_within(tolerance)
            found.append(
                {"case": case.title, "height": case.size[0], "width": case.size[1], "batch": len(case.images)}
                | {"image": index, **asdict(deviation)}
            )
        log.info(
            "parity on %s, %d of %d: %s, %d x %d, batch %d (%.1f s)",
            *(device, number, len(cases), case.title, case.size[1], case.size[0], len(case.images)),
            time.monotonic() - begin,
        )
    worst = {name: max(found, key=lambda entry: entry[name]) for name in _FIGURES}
    return {
        "device": device,
        "dtype": dtype,
        "passed": passed,
        "tolerances": {"unmatched": 0, **asdict(tolerance)},
        "worst": {name: entry[name] for name, entry in worst.items()},
        "worst_where": {name: _where(entry) for name, entry in worst.items() if entry[name]},
        "instances_compared": sum(entry["instances"] for entry in found),
        "undecided": sum(entry["undecided"] for entry in found),
        "cases": found,
    }


@torch.no_grad()
def _deviations(model: SparseInst, program: Program, case: Case, *, dtype: str, device: str) -> list[Deviation]:
    tolerance = tolerance_of({"dtype": dtype}, on_gpu=device == "cuda")
    tensors = [torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))) for image in case.images]
    raw = model(tensors)
    outputs = program(torch.stack(tensors).to(device))
    reply: dict[str, NDArray[Any]] = {
        spec.name: output.cpu().numpy() for spec, output in zip(OUTPUTS, outputs, strict=True)
    }
    return [
        Expectation.of(
            {name: tensor[index] for name, tensor in raw.items()},
            case.size,
            padded_size(tensors),
            model.config,
            tolerance,
        ).deviation({name: array[index] for name, array in reply.items()})
        for index in range(len(tensors))
    ]


def _where(entry: dict[str, Any]) -> str:
    return f"{entry['case']}, {entry['width']} x {entry['height']}, batch {entry['batch']}, image {entry['image']}"

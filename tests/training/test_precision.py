"""What "auto" trains with is what the device has units for."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sparseinst.training.precision import resolve_precision

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("flags\t\t: fpu avx2 avx512f", "fp32"),
        ("flags\t\t: fpu avx512_bf16 avx2", "bf16"),
        ("flags\t\t: amx_tile amx_bf16", "bf16"),
        ("Features\t: fp asimd bf16 i8mm", "bf16"),
        ("Features\t: fp asimd", "fp32"),
        ("", "fp32"),
    ],
)
def test_a_cpu_trains_in_bf16_where_it_has_units_for_it(tmp_path: Path, flags: str, expected: str) -> None:
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\n{flags}\n")
    assert resolve_precision("auto", CPU, tmp_path / "cpuinfo") == expected


def test_what_was_chosen_stays(tmp_path: Path) -> None:
    assert [resolve_precision(chosen, CPU) for chosen in ("fp32", "bf16", "fp16")] == ["fp32", "bf16", "fp16"]  # type: ignore[arg-type]
    assert resolve_precision("auto", CPU, tmp_path / "nowhere") == "fp32"

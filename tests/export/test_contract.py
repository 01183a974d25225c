"""The contract's table in the documentation is the contract."""

from __future__ import annotations

from sparseinst.export.contract import INPUT, OUTPUTS, TensorSpec
from tests.conftest import ROOT


def row(spec: TensorSpec) -> str:
    shape = " × ".join(str(dim) for dim in spec.dims)
    return f"| `{spec.name}` | {spec.dtype} | {shape} | {spec.meaning} |"


def test_the_documented_table_is_the_contract() -> None:
    lines = (ROOT / "docs" / "contract.md").read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if line.startswith("| `")]
    assert rows == [row(spec) for spec in (INPUT, *OUTPUTS)]

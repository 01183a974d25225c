"""The page of codes is what the code says."""

from __future__ import annotations

from pathlib import Path

from sparseinst.data.checks.codes import CODES
from sparseinst.data.checks.listing import page


def test_the_page_in_docs_has_every_code_as_it_is():
    committed = (Path(__file__).parents[3] / "docs" / "findings.md").read_text(encoding="utf-8")
    assert committed == page()
    assert all(f"`{code}`" in committed for code in CODES)

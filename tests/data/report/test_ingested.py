"""The report that ingest writes, as a reader sees it: every picture loads, nothing is fetched, nothing complains."""

from __future__ import annotations

from pathlib import Path

import pytest

from sparseinst.data.ingest import IngestSettings, ingest

pytestmark = pytest.mark.browser


def test_the_report_of_an_ingest_opens_with_all_its_pictures(visit, tmp_path: Path):
    made = ingest("sample", tmp_path / "data", IngestSettings(train_images=30, val_images=6))
    seen = visit(made.location / "report.html")
    seen.page.evaluate("for (const image of document.images) image.loading = 'eager'")
    seen.page.evaluate("Promise.all([...document.images].map(image => image.decode()))")
    widths = seen.page.evaluate("[...document.images].map(image => image.naturalWidth)")
    assert len(widths) >= 24
    assert min(widths) > 0
    assert seen.complaints == []
    assert [address for address in seen.requests if not address.startswith(("file:", "data:"))] == []
    text = seen.page.inner_text("body")
    for name in ("disc", "triangle", "cross", "ring"):
        assert name in text

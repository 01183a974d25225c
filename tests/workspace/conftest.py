"""The real S3 server, and machines of one's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sparseinst.workspace.scratch import SCRATCH
from tests.s3_server import s3_server, s3_uri  # noqa: F401


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Makes this process one that runs on a machine of that name: it has a scratch folder of its own."""

    def become(name: str) -> Path:
        scratch = tmp_path / "machines" / name
        monkeypatch.setenv(SCRATCH, str(scratch))
        return scratch

    return become

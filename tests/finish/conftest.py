"""A run's folder in which steps told what happened, by the steps' own code."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sparseinst.errors import SparseInstError
from sparseinst.steps import STEPS_FILE, step

FACTS: dict[str, dict[str, Any]] = {
    "ingest": {"dataset": "d" * 64, "location": "s3://scratch/run-1/dataset"},
    "train": {"checkpoint": "s3://scratch/run-1/train/checkpoint.pt", "iterations": 900},
    "evaluate": {"AP": 0.512, "AP50": None, "report": "s3://scratch/run-1/evaluate/report.html"},
    "gate": {"decision": "pass", "reasons": ["mask AP 0.5120 reaches the minimum 0.5000"]},
    "export": {"repository": "s3://scratch/run-1/export"},
    "deploy": {"name": "sparseinst", "version": 4, "url": "triton:8001"},
}


@pytest.fixture
def steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Lets steps tell their stories; gives the run's folder. An error is what a step ends with, "dies" says nothing."""
    monkeypatch.delenv(STEPS_FILE, raising=False)

    def tell(*names: str, facts: dict[str, dict[str, Any]] | None = None, **errors: BaseException | str) -> str:
        folder = str(tmp_path / "run")
        for name in names:
            error = errors.get(name)
            time.sleep(0.002)  # steps are put in order by the milliseconds in which they began
            try:
                with step(name, folder) as told:
                    told.update({**FACTS, **(facts or {})}[name])
                    if isinstance(error, BaseException):
                        raise error
            except (SparseInstError, SystemExit, RuntimeError):
                pass
            if error == "dies":
                path = Path(folder, "steps", f"{name}.jsonl")
                path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
        return folder

    return tell

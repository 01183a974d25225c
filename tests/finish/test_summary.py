"""The page of a run's end, and what it makes of texts that others wrote."""

from __future__ import annotations

import re
from collections.abc import Callable

from sparseinst.errors import TrainingError
from sparseinst.finish.story import tell
from sparseinst.finish.summary import run_summary
from sparseinst.workspace.journal import read_journals
from tests.finish.test_story import ALL

EVIL = "<script>alert(1)</script> [x](javascript:alert(1)) | ![y](//e.example) `z`\n# big"


def test_a_good_run_tells_its_numbers_its_steps_and_where_everything_is(steps: Callable[..., str]) -> None:
    page = run_summary(tell("run-1", read_journals(steps(*ALL)), "COMPLETE"), "https://kubeflow.example/#/runs/run-1")
    assert page.startswith("# Run succeeded after ")
    assert "| AP | 0.512 |" in page
    assert "| AP50 | undefined |" in page
    assert "| gate | pass: mask AP 0.5120 reaches the minimum 0.5000 |" in page
    assert "| serves | sparseinst version 4 at triton:8001 |" in page
    assert all(f"| {name} | ✓ succeeded |" in page for name in ALL)
    assert "s3://scratch/run-1/evaluate/report.html" in page
    assert "[its page](https://kubeflow.example/#/runs/run-1)" in page


def test_a_failed_run_begins_with_the_step_its_problem_and_the_way_out(steps: Callable[..., str]) -> None:
    error = TrainingError("The loss is not finite.", where="iteration 12", fix="Lower train.lr.")
    page = run_summary(tell("run-1", read_journals(steps("ingest", "train", train=error)), "FAILED"))
    assert page.splitlines()[0].startswith("# Run failed in train after ")
    assert "**The loss is not finite.**" in page
    assert "- where: iteration 12\n- fix: Lower train.lr." in page
    assert "| train | ✗ failed (exit code 4) |" in page


def test_nothing_that_others_wrote_becomes_markup(steps: Callable[..., str]) -> None:
    error = TrainingError(EVIL, where=EVIL, fix=EVIL, details=[EVIL])
    facts = {"evaluate": {"AP": float("nan"), "report": EVIL}}
    folder = steps("ingest", "evaluate", "train", facts=facts, train=error)
    page = run_summary(tell(EVIL, read_journals(folder), "FAILED"), f"javascript:alert(1) {EVIL}")
    bare = re.sub(r"\\.", "", page)  # without what is escaped
    assert not [mark for mark in ("<script", "](", "![", "\n# big", "`z`") if mark in bare]
    assert "| AP | undefined |" in page

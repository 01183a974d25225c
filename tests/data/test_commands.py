"""`sparseinst ingest` and `sparseinst check` as a user or a script meets them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def sparseinst(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sparseinst", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_ingest_then_check(tmp_path: Path):
    made = sparseinst(
        *("ingest", "--source", "sample", "--train", "3", "--val", "2", "--output", str(tmp_path / "data"), "--json")
    )
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["facts"]["train"]["images"] == 3
    annotations = tmp_path / "data" / "annotations" / "train.json"
    good = sparseinst("check", str(annotations), "--images", str(tmp_path / "data" / "images"))
    assert good.returncode == 0
    assert "3 images" in good.stdout and "0 errors, 0 warnings" in good.stdout

    (tmp_path / "data" / "images" / "train" / "000001.jpg").unlink()
    bad = sparseinst("check", str(annotations), "--images", str(tmp_path / "data" / "images"), "--json")
    assert bad.returncode == 3
    assert [f["code"] for f in json.loads(bad.stdout)["findings"] if f["severity"] == "error"] == ["IMG-FILE"]


def test_a_wrong_source_ends_with_code_3_and_no_traceback(tmp_path: Path):
    failed = sparseinst("ingest", "--source", str(tmp_path / "none"), "--output", str(tmp_path / "data"))
    assert failed.returncode == 3
    assert failed.stdout == ""
    assert "error: There is no such directory." in failed.stderr
    assert "fix:" in failed.stderr and "Traceback" not in failed.stderr

"""A repair as a whole: its files, what it refuses, and the command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sparseinst.data.checks.file import check_file
from sparseinst.data.repair import run
from sparseinst.data.repair.run import repair_file
from sparseinst.data.repair.table import REPAIRS, chosen_codes
from sparseinst.errors import ConfigError, DatasetError, StorageError
from sparseinst.files import sha256_of_file
from tests.data.checks.zoo import annotation, changed, segmentation
from tests.data.repair.replay import read, repaired

DAMAGED = changed(annotation(id=0, area=99))


def sparseinst(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sparseinst", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def write(content: Any, folder: Path) -> Path:
    (folder / "train.json").write_text(json.dumps(content))
    return folder / "train.json"


def test_the_output_holds_the_file_the_diff_and_a_manifest(tmp_path: Path):
    old = write(DAMAGED, tmp_path)
    result = repair_file(old, tmp_path / "out")
    assert sorted(path.name for path in result.file.parent.iterdir()) == [
        "manifest.json", "train.diff.jsonl", "train.json"
    ]  # fmt: skip
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest == result.manifest
    assert manifest["kind"] == "annotations"
    assert manifest["inputs"] == {"annotations": sha256_of_file(old)}
    assert manifest["facts"]["changes"] == {"ANN-AREA": 1, "ANN-ID-ZERO": 1}
    assert manifest["facts"]["findings"]["after"] == {"error": 0, "warning": 0, "note": 0}


def test_the_same_file_gives_the_same_bytes(tmp_path: Path):
    old = write(DAMAGED, tmp_path)
    one, other = (repair_file(old, tmp_path / name) for name in ("one", "other"))
    assert one.file.read_bytes() == other.file.read_bytes()
    assert one.diff.read_bytes() == other.diff.read_bytes()
    assert one.manifest is not None and other.manifest is not None
    assert one.manifest["id"] == other.manifest["id"]


def test_a_check_that_was_made_before_is_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    old = write(DAMAGED, tmp_path)
    checked = check_file(old)
    files: list[Path] = []
    monkeypatch.setattr(run, "check_file", lambda path, name: (files.append(path), check_file(path, name))[1])
    repair_file(old, tmp_path / "out", checked=checked)
    assert old not in files and len(files) == 1


def test_findings_bear_the_name_that_the_file_is_given(tmp_path: Path):
    content = changed(annotation(id=0, iscrowd=2))
    named = repair_file(write(content, tmp_path), tmp_path / "out", "annotations/train.json")
    assert {finding.file for finding in named.after.findings} == {"annotations/train.json"}


def test_a_dry_run_leaves_nothing_and_tells_the_same(tmp_path: Path):
    old = write(DAMAGED, tmp_path)
    result = repair_file(old, tmp_path / "out", dry_run=True)
    assert not (tmp_path / "out").exists()
    real = repair_file(old, tmp_path / "out")
    assert (result.changes, result.after.findings, result.file) == (real.changes, real.after.findings, real.file)


def test_an_output_that_would_overwrite_the_file_is_refused(tmp_path: Path):
    old = write(DAMAGED, tmp_path)
    before = old.read_bytes()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "train.json").symlink_to(old)
    (tmp_path / "linked").symlink_to(tmp_path)
    for output in (tmp_path, tmp_path / "elsewhere", tmp_path / "linked", old):
        with pytest.raises(ConfigError):
            repair_file(old, output)
    assert old.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "linked", "train.json"]


def test_a_manifest_is_no_annotation_file(tmp_path: Path):
    with pytest.raises(ConfigError, match="overwritten by its manifest"):
        repair_file(write(DAMAGED, tmp_path).rename(tmp_path / "manifest.json"), tmp_path / "out")


def test_a_file_that_is_not_there_is_told(tmp_path: Path):
    with pytest.raises(DatasetError, match="no such annotation file"):
        repair_file(tmp_path / "none.json", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_repair_that_is_interrupted_leaves_the_older_one_whole(
    error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    old = write(DAMAGED, tmp_path)
    repair_file(old, tmp_path / "out", only=["ANN-AREA"])
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}

    def fail(file: Any, plan: Any, output: Any, *others: Any) -> None:
        output.write(b'{"images": [')
        raise error

    monkeypatch.setattr(run, "rewrite", fail)
    for folder in ("out", "new"):
        with pytest.raises((StorageError, KeyboardInterrupt)):
            repair_file(old, tmp_path / folder)
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    assert not (tmp_path / "new").exists()


def test_only_what_is_asked_for_is_repaired(tmp_path: Path):
    assert repaired(DAMAGED, tmp_path, only=["ANN-AREA"]).changes == {"ANN-AREA": 1}
    content = changed(segmentation([[1, 1, 5, 1, 5, 4, 1, 4]]))
    assert set(repaired(content, tmp_path, only=["ANN-BOX-NONE"], also=["SEG-BOX"]).changes) == {
        "ANN-BOX-NONE", "SEG-BOX"
    }  # fmt: skip


def test_codes_are_chosen_by_name(tmp_path: Path):
    assert "SEG-BOX" not in chosen_codes()
    assert chosen_codes(also=["SEG-BOX"]) - chosen_codes() == {"SEG-BOX"}
    with pytest.raises(ConfigError, match="There is no finding") as unknown:
        chosen_codes(only=["seg-boxx"])
    assert "SEG-BOX" in unknown.value.fix
    with pytest.raises(ConfigError, match="SEG-FAR cannot be repaired"):
        chosen_codes(also=["SEG-FAR"])


def test_the_command_repairs_and_ends_with_0(tmp_path: Path):
    done = sparseinst("repair", str(write(DAMAGED, tmp_path)), "--output", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert "2 changes" in done.stdout and "left: 0 errors" in done.stdout
    assert sparseinst("check", str(tmp_path / "out" / "train.json")).returncode == 0
    assert read(tmp_path / "out" / "train.json")["annotations"][0]["id"] == 4


def test_the_command_ends_with_3_where_a_person_has_to_look(tmp_path: Path):
    old = write(changed(annotation(id=0, image_id=99)), tmp_path)
    done = sparseinst("repair", str(old), "--output", str(tmp_path / "out"), "--json")
    assert done.returncode == 3, done.stderr
    facts = json.loads(done.stdout)
    assert facts["changes"] == {"ANN-ID-ZERO": 1}
    assert [finding["code"] for finding in facts["remaining"] if finding["severity"] == "error"] == ["IMG-UNKNOWN"]
    told = sparseinst("repair", str(old), "--output", str(tmp_path / "out"))
    assert "on request: --also IMG-UNKNOWN" in told.stdout


def test_the_command_lists_all_repairs_without_a_file():
    done = sparseinst("repair", "--list")
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == list(REPAIRS)


def test_the_command_refuses_in_place_with_2(tmp_path: Path):
    done = sparseinst("repair", str(write(DAMAGED, tmp_path)), "--output", str(tmp_path))
    assert done.returncode == 2
    assert "never changes the file that it repairs" in done.stderr

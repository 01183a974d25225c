"""Every mistake that a file can have is repaired, or left as the table says, and nothing else becomes of the file."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from sparseinst.data.checks.codes import CODES
from sparseinst.data.checks.file import check_file
from sparseinst.data.repair.result import RepairResult
from sparseinst.data.repair.run import repair_file
from sparseinst.data.repair.table import REPAIRS
from sparseinst.errors import DatasetError
from tests.data.checks.zoo import GOOD, ZOO, Change, changed, texts
from tests.data.repair.replay import codes_of, diff_of, read, repaired, replayed, text

# Files of which errors or warnings are left by the safe repairs; by all repairs those that are marked False.
LEFT = {
    "no list of images": False,
    "annotations are an object": False,
    "no width": False,
    "no pixel": False,
    "more pixels than can be counted": False,
    "an image that is a list": False,
    "a category that is a text": False,
    "an id that is true": False,
    "a category without a name": False,
    "no image_id": False,
    "a category id twice": False,
    "an image id twice": False,
    "no categories": False,
    "no images": False,
    "an unknown category": True,
    "a name twice": True,
    "names that differ in case": False,
    "an unknown image": True,
    "a name with a newline": False,
    "half a character": False,
    "a name of 300 letters": False,
    "a name that is a folder": False,
    "an empty name": False,
    "crowd 2": False,
    "one mask, two classes": False,
    "no segmentation": True,
    "segmentation null": True,
    "segmentation 5": False,
    "a number among polygons": False,
    "a point beyond the moon": False,
    "most in fractions": True,
    "most are rectangles": False,
    "an RLE of another size": False,
    **{name: True for name, _, _ in ZOO if name.startswith("counts ")},
}
CASES = [pytest.param(*case, id=case[0]) for case in ZOO]


@pytest.fixture(scope="module")
def repair(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., RepairResult]:
    """Repairs a file of the zoo, once for all tests: repair(name, change, everything). `file.json` lies beside."""

    @cache
    def repair(name: str, change: Change, everything: bool) -> RepairResult:
        folder = tmp_path_factory.mktemp("zoo")
        return repaired(changed(change), folder, also=REPAIRS if everything else ())

    return repair


def before(result: RepairResult) -> Path:
    """The file that was repaired."""
    return result.file.parents[1] / "file.json"


@pytest.mark.parametrize(("name", "change", "_expected"), CASES)
@pytest.mark.parametrize("everything", [False, True], ids=["safe", "everything"])
def test_a_mistake_is_repaired_or_left_as_the_table_says(
    repair: Callable[..., RepairResult], name: str, change: Change, _expected: object, everything: bool
):
    content = changed(change)
    is_image_name = name == "a name twice" and content["images"][0]["file_name"] == content["images"][1]["file_name"]
    result = repair(name, change, everything)
    old, new = codes_of(before(result)), codes_of(result.file)
    assert new == {f.code for f in result.after.findings if f.severity != "note"}
    if name in LEFT and (is_image_name or not (everything and LEFT[name])):
        assert new == old or name == "most are rectangles"  # of which no mask is left
    else:
        assert not new


@pytest.mark.parametrize(("name", "change", "_expected"), CASES)
@pytest.mark.parametrize("everything", [False, True], ids=["safe", "everything"])
def test_the_diff_says_what_became_of_the_file_and_repairing_again_changes_nothing(
    repair: Callable[..., RepairResult],
    name: str,
    change: Change,
    _expected: object,
    everything: bool,
    tmp_path: Path,
):
    result = repair(name, change, everything)
    lines = diff_of(result)
    assert {line["code"] for line in lines} <= set(REPAIRS)
    assert sum(result.changes.values()) == len(lines)
    new = result.file.read_bytes()
    assert text(read(result.file)) == text(replayed(read(before(result)), lines))
    again = repair_file(result.file, tmp_path, also=REPAIRS if everything else ())
    assert (again.changes, again.diff.read_bytes(), again.file.read_bytes()) == ({}, b"", new)


@pytest.mark.parametrize(("name", "change", "_expected"), CASES)
def test_masks_that_need_no_repair_stay_as_they_are(
    repair: Callable[..., RepairResult], name: str, change: Change, _expected: object
):
    result = repair(name, change, False)
    old, new = (check_file(path, workers=1) for path in (before(result), result.file))
    gone = {line["pointer"] for line in diff_of(result) if line["action"] == "deleted"}
    left = [number for number in range(old.entries["annotations"]) if f"/annotations/{number}" not in gone]
    masks = dict(zip(new.annotations.numbers.tolist(), new.annotations.masks.tolist(), strict=True))
    for number, mask in zip(old.annotations.numbers.tolist(), old.annotations.masks.tolist(), strict=True):
        assert f"/annotations/{number}" in gone or masks[left.index(number)] == mask


def test_a_sound_file_stays_as_it_is_byte_by_byte(tmp_path: Path):
    result = repaired(GOOD, tmp_path)
    assert result.changes == {}
    assert result.diff.read_bytes() == b""
    assert result.file.read_bytes() == (tmp_path / "file.json").read_bytes()


@pytest.mark.parametrize(("content", "code"), [case[1:] for case in texts()], ids=[case[0] for case in texts()])
def test_a_file_that_is_no_coco_object_is_refused_and_nothing_is_written(content: bytes, code: str, tmp_path: Path):
    with pytest.raises(DatasetError, match="cannot be repaired by a program"):
        repaired(content, tmp_path)
    assert not (tmp_path / "out").exists()


def test_the_table_names_codes_that_exist_and_every_one_of_the_zoo_that_it_names_is_repaired(
    repair: Callable[..., RepairResult],
):
    assert set(REPAIRS) <= set(CODES)
    seen: set[str] = set()
    for name, change, _ in ZOO:
        seen |= set(repair(name, change, True).changes)
    assert set(REPAIRS) - seen == {"JSON-BOM", "ANN-CROWD", "IMG-NAME-TWICE"}  # which other tests repair

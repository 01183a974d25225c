import json
import os
from pathlib import Path

import numpy as np
import pytest

from sparseinst.data.checks.image_pool import in_processes
from sparseinst.data.checks.image_sets import ImageEntry, check_images
from sparseinst.data.checks.leakage import duplicates, leaks
from tests.data.checks.image_zoo import HEIGHT, WIDTH, ZOO


@pytest.fixture
def zoo(tmp_path) -> list[ImageEntry]:
    """An entry for each file of the zoo, and for one that is not there."""
    for name, (content, _) in ZOO.items():
        (tmp_path / name).write_bytes(content)
    entries = [
        ImageEntry(f"/images/{number}", f"images/{name}", tmp_path / name, (HEIGHT, WIDTH))
        for number, name in enumerate(ZOO)
    ]
    return [*entries, ImageEntry(f"/images/{len(entries)}", "images/absent.jpg", None)]


def test_all_findings_come_in_one_pass_in_the_order_of_the_entries(zoo):
    checked = check_images(zoo)
    expected = [
        (f"/images/{number}/file_name", f"images/{name}", code)
        for number, (name, (_, codes)) in enumerate(ZOO.items())
        for code in codes
    ]
    expected.append((f"/images/{len(ZOO)}/file_name", "images/absent.jpg", "IMG-FILE"))
    assert [(finding.pointer, finding.file, finding.code) for finding in checked.findings] == expected
    assert len(checked.pictures.contents) == len(checked.pictures.thumbnails) == len(zoo)
    assert checked.pictures.contents[-1] is None


def test_two_processes_find_what_one_finds(zoo):
    one, two = check_images(zoo * 3, workers=1), check_images(zoo * 3, workers=2)
    assert two.findings == one.findings
    assert two.pictures.contents == one.pictures.contents
    np.testing.assert_array_equal(two.pictures.thumbnails, one.pictures.thumbnails)


def test_a_wrong_size_is_a_finding_about_the_entry(zoo):
    (finding,) = check_images([zoo[0]._replace(declared=(WIDTH, HEIGHT))]).findings
    assert (finding.code, finding.pointer, finding.severity) == ("IMG-SIZE", "/images/0", "error")


def test_no_images_give_no_findings():
    checked = check_images([])
    assert checked.findings == []
    assert duplicates(checked.pictures) == leaks(checked.pictures, checked.pictures) == []


def deadly_at_40_and_41(number: int) -> int:
    if number in (40, 41):
        os._exit(9)
    return number * number


def test_a_process_that_dies_costs_its_own_item_and_no_other():
    results = list(in_processes(deadly_at_40_and_41, range(300), workers=2))
    assert results == [None if number in (40, 41) else number * number for number in range(300)]


@pytest.mark.parametrize("folder, grey", [("coco2017-mini", 1), ("balloon", 0), ("nuclei", 0)])
def test_real_data_sets_are_clean(shared, folder, grey):
    root = shared / "data" / folder
    splits = {}
    for path in sorted((root / "annotations").glob("*.json")):
        images = json.loads(path.read_text())["images"]
        files = {file.name: file for file in (root / "images").rglob("*.*")}
        entries = [
            ImageEntry(
                f"/images/{number}",
                image["file_name"],
                files[Path(image["file_name"]).name],
                (image["height"], image["width"]),
            )
            for number, image in enumerate(images)
        ]
        splits[path.stem] = check_images(entries)
    assert [finding.code for checked in splits.values() for finding in checked.findings] == ["IMG-GREY"] * grey
    train, val = (next(splits[stem] for stem in splits if split in stem) for split in ("train", "val"))
    assert duplicates(train.pictures) == duplicates(val.pictures) == leaks(train.pictures, val.pictures) == []

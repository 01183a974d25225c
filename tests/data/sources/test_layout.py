"""Which files are annotations, and which file an annotation means, whatever tool wrote it."""

from __future__ import annotations

import pytest

from sparseinst.data.sources.layout import (
    by_basename,
    find_annotations,
    find_image,
    is_other_table,
    missing_val_error,
    plain_path,
)
from sparseinst.errors import DatasetError


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (  # COCO
            [
                "annotations/captions_train2017.json",
                "annotations/instances_train2017.json",
                "annotations/instances_val2017.json",
                "annotations/person_keypoints_val2017.json",
            ],
            {"train": ["annotations/instances_train2017.json"], "val": ["annotations/instances_val2017.json"]},
        ),
        (  # what ingest writes
            ["annotations/train.json", "annotations/val.json", "manifest.json", "data.findings.json"],
            {"train": ["annotations/train.json"], "val": ["annotations/val.json"]},
        ),
        (  # Roboflow
            ["train/_annotations.coco.json", "valid/_annotations.coco.json", "test/_annotations.coco.json"],
            {"train": ["train/_annotations.coco.json"], "val": ["valid/_annotations.coco.json"]},
        ),
        (["train.json", "validation.json"], {"train": ["train.json"], "val": ["validation.json"]}),
        (["x/train.json", "x/valid.json"], {"train": ["x/train.json"], "val": ["x/valid.json"]}),
        (  # by folders; other JSON files lie beside the images
            ["train2017/annotations.json", "train2017/a.json", "val2017/annotations.json", "val2017/b.json"],
            {"train": ["train2017/annotations.json"], "val": ["val2017/annotations.json"]},
        ),
        (  # CVAT with subsets
            ["annotations/instances_Train.json", "annotations/instances_Validation.json"],
            {"train": ["annotations/instances_Train.json"], "val": ["annotations/instances_Validation.json"]},
        ),
        (  # several files for a split
            ["b/train.json", "a/train.json", "a/val.json"],
            {"train": ["a/train.json", "b/train.json"], "val": ["a/val.json"]},
        ),
        (["train/_annotations.coco.json", "test/_annotations.coco.json"], {"train": ["train/_annotations.coco.json"]}),
        (["result.json", "images/a.jpg"], {"all": ["result.json"]}),  # Label Studio
        (["annotations/instances_default.json"], {"all": ["annotations/instances_default.json"]}),  # CVAT
        (  # several tasks of it
            ["1/annotations/instances_default.json", "2/annotations/instances_default.json", "notes.json"],
            {"all": ["1/annotations/instances_default.json", "2/annotations/instances_default.json"]},
        ),
        (["my_export.json", "manifest.json", "panoptic_train2017.json"], {"all": ["my_export.json"]}),
        (["EXPORT.JSON"], {"all": ["EXPORT.JSON"]}),
        (["result.json", "train.json"], {"train": ["train.json"]}),
    ],
)
def test_annotations_are_found_however_the_tool_laid_them_out(names: list[str], found: dict[str, list[str]]):
    assert find_annotations([*names, "images/a.jpg"], "somewhere") == found


@pytest.mark.parametrize(
    ("names", "missing"),
    [
        ([], "train and val"),
        (["a.json", "b.json"], "train and val"),
        (["captions_train2017.json", "manifest.json"], "train and val"),
        (["test/_annotations.coco.json"], "train and val"),
        (["val.json", "other.json"], "train"),
    ],
)
def test_without_annotations_for_train_the_error_says_what_was_looked_for(names: list[str], missing: str):
    with pytest.raises(DatasetError, match=f"no annotations for {missing}\\.") as caught:
        find_annotations(names, "somewhere")
    assert "annotations/train.json" in str(caught.value)
    assert all(name in str(caught.value) for name in names)


def test_a_missing_val_is_explained():
    error = missing_val_error(["train.json"], "somewhere")
    assert "no annotations for val" in str(error) and "train.json" in str(error)
    assert "annotations/val.json" in error.fix


@pytest.mark.parametrize("name", ["captions_val2017.json", "x/person_keypoints_train2017.json", "stuff_val2017.json"])
def test_tables_without_outlines_are_known_by_name(name: str):
    assert is_other_table(name)
    assert not is_other_table("x/instances_val2017.json")


@pytest.mark.parametrize(
    ("file_name", "split", "names", "found"),
    [
        ("a.jpg", "train", ["images/a.jpg"], ["images/a.jpg"]),
        ("a.jpg", "train", ["images/train2017/a.jpg", "images/val2017/a.jpg"], ["images/train2017/a.jpg"]),
        ("a.jpg", "val", ["train/a.jpg", "validation/a.jpg"], ["validation/a.jpg"]),
        ("train/a.jpg", "train", ["images/train/a.jpg"], ["images/train/a.jpg"]),
        ("b/a.jpg", "train", ["x/b/a.jpg", "x/c/a.jpg"], ["x/b/a.jpg"]),
        ("/home/me/data/a.jpg", "train", ["images/a.jpg"], ["images/a.jpg"]),
        ("../a.jpg", "train", ["images/a.jpg"], ["images/a.jpg"]),
        # COCO 2014's usual training set takes images of val2014, and says so.
        ("val2014/a.jpg", "train", ["val2014/a.jpg"], ["val2014/a.jpg"]),
        # A lost image is lost, even where the other split has one of its name.
        ("a.jpg", "train", ["images/val/a.jpg"], []),
        ("train/a.jpg", "train", ["images/val/a.jpg"], []),
        ("a.jpg", "train", ["images/xa.jpg"], []),
        ("a.jpg", "train", ["one/a.jpg", "two/a.jpg"], ["one/a.jpg", "two/a.jpg"]),
        # Roboflow's names of folders.
        ("a.jpg", "val", ["train/a.jpg", "valid/a.jpg"], ["valid/a.jpg"]),
        # The innermost folder counts.
        ("a.jpg", "val", ["train_data/val/a.jpg"], ["train_data/val/a.jpg"]),
        # A file for everything: folders say nothing.
        ("a.jpg", "all", ["train/a.jpg"], ["train/a.jpg"]),
        ("train/a.jpg", "all", ["train/a.jpg", "val/a.jpg"], ["train/a.jpg"]),
        ("a.jpg", "all", ["train/a.jpg", "val/a.jpg"], ["train/a.jpg", "val/a.jpg"]),
        # Label Studio on Windows.
        ("images\\a.jpg", "all", ["images/a.jpg"], ["images/a.jpg"]),
    ],
)
def test_an_image_is_found(file_name: str, split: str, names: list[str], found: list[str]):
    assert find_image(file_name, split, by_basename(names)) == found


def test_a_plain_path_stays_below_its_folder():
    assert plain_path("../../a/./b.jpg") == "a/b.jpg"
    assert plain_path("/etc/passwd") == "etc/passwd"
    assert plain_path("..\\x\\a.jpg") == "x/a.jpg"

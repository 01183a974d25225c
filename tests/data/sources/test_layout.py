"""Which file an annotation means, whatever its tool took file names to be relative to."""

from __future__ import annotations

import pytest

from sparseinst.data.sources.layout import by_basename, find_image, plain_path


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
    ],
)
def test_an_image_is_found(file_name: str, split: str, names: list[str], found: list[str]):
    assert find_image(file_name, split, by_basename(names)) == found


def test_a_plain_path_stays_below_its_folder():
    assert plain_path("../../a/./b.jpg") == "a/b.jpg"
    assert plain_path("/etc/passwd") == "etc/passwd"

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from sparseinst.data.checks.image_files import check_image_file
from sparseinst.data.checks.leakage import Pictures, duplicates, leaks, orphans
from tests.data.checks.image_zoo import encoded, photo


def pictures(**contents: bytes) -> Pictures:
    prints = [check_image_file(content).fingerprint for content in contents.values()]
    thumbnails = [np.frombuffer(each.thumbnail, np.uint8) if each else np.zeros(1024, np.uint8) for each in prints]
    pointers = [f"/images/{number}" for number in range(len(contents))]
    return Pictures(pointers, list(contents), [each and each.content for each in prints], np.array(thumbnails))


def picture(seed: int, form: str = "PNG", **options) -> bytes:
    return encoded(photo(seed, 240, 320), form, **options)


def noisy_dark(seed: int) -> bytes:
    """Nearly black, like a micrograph with little in it: all of them look alike."""
    noise = np.random.default_rng(seed).integers(0, 9, (240, 320, 3), dtype=np.uint8)
    return encoded(Image.fromarray(noise), "PNG")


def test_the_same_pixels_in_another_file_format_are_the_same_picture_and_point_to_the_first():
    found = duplicates(pictures(a=picture(1), b=picture(2), c=picture(1, "BMP"), d=picture(1, "TIFF"), e=b"damaged"))
    assert [(finding.code, finding.pointer, finding.file) for finding in found] == [
        ("IMG-TWICE", "/images/2", "c"),
        ("IMG-TWICE", "/images/3", "d"),
    ]
    assert all("the same picture as a (/images/0)" in finding.problem for finding in found)


@pytest.mark.parametrize("quality", [30, 50, 75, 95])
def test_a_copy_that_was_saved_anew_is_found_within_a_split_and_across_splits(quality):
    first = picture(1, "JPEG", quality=95)
    copy = encoded(Image.open(BytesIO(first)), "JPEG", quality=quality - 1)
    (twice,) = duplicates(pictures(other=picture(3), first=first, copy=copy))
    assert twice.code == "IMG-TWICE" and twice.file == "copy"
    assert "re-encoded" in twice.problem and "first (/images/1)" in twice.problem
    (leak,) = leaks(pictures(first=first), pictures(other=picture(3), copy=copy))
    assert (leak.code, leak.pointer, leak.file) == ("IMG-LEAK", "/images/1", "copy")
    assert "first of train" in leak.problem and "re-encoded" in leak.problem


def test_a_picture_in_train_and_val_leaks_also_under_the_same_name():
    (leak,) = leaks(pictures(a=picture(1), b=picture(2)), pictures(b=picture(2), c=picture(3)))
    assert (leak.pointer, leak.file, leak.problem) == ("/images/0", "b", "the same picture as b of train")


def test_one_file_that_is_named_twice_is_not_two_pictures():
    both = pictures(a=picture(1), b=picture(1))
    assert duplicates(Pictures(both.pointers, ["a", "a"], both.contents, both.thumbnails)) == []


def test_dark_and_empty_pictures_are_not_taken_for_copies_of_each_other():
    empty = {f"grey{level}": encoded(Image.new("RGB", (64, 64), (level,) * 3), "PNG") for level in range(3)}
    assert duplicates(pictures(**{f"dark{seed}": noisy_dark(seed) for seed in range(6)}, **empty)) == []


def test_another_object_in_the_same_scene_is_another_picture():
    scene, with_object = photo(1, 240, 320), photo(1, 240, 320)
    with_object.paste((255, 0, 0), (100, 100, 125, 120))
    assert duplicates(pictures(a=encoded(scene, "PNG"), b=encoded(with_object, "PNG"))) == []


def test_images_that_nobody_names_are_counted_by_folder():
    names = [*(f"images/train/{number}.jpg" for number in range(5)), "images/b.PNG", "c.jpg", "LICENSE.txt", "x/y.json"]
    found = orphans(names, ["images/train/0.jpg", "c.jpg"])
    assert [(finding.code, finding.file, finding.problem) for finding in found] == [
        ("IMG-ORPHAN", "images", "an image file (b.PNG) that no annotation file names"),
        ("IMG-ORPHAN", "images/train", "4 image files (1.jpg, 2.jpg, 3.jpg, ...) that no annotation file names"),
    ]
    assert orphans(["a.jpg"], ["a.jpg"]) == []

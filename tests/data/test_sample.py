"""The sample set keeps what it promises: the same for ever, true to the pixels, and with every difficulty inside."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from sparseinst.data.coco import load_coco
from sparseinst.data.sample.scene import Sample, make_image
from sparseinst.data.sample.shapes import CATEGORIES, draw_shape
from sparseinst.data.sample.write import annotate, encode_jpeg, write_sample
from sparseinst.masks.coco import segmentation_to_mask


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    return [make_image(3, index) for index in range(250)]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder, train=60, val=20, seed=0)
    return folder


def test_an_image_made_alone_is_the_one_of_the_whole_set(samples: list[Sample]):
    for index in (0, 7, 17, 249):
        alone = make_image(3, index)
        assert np.array_equal(alone.image, samples[index].image)
        assert [found.category_id for found in alone.objects] == [found.category_id for found in samples[index].objects]


def test_seeds_give_different_images():
    assert not np.array_equal(make_image(0, 1).image, make_image(1, 1).image)


def test_no_pixel_belongs_to_two_objects_and_none_is_tiny(samples: list[Sample]):
    for sample in samples:
        masks = np.array([found.mask for found in sample.objects], bool).reshape(-1, *sample.image.shape[:2])
        assert masks.sum(0).max(initial=0) <= 1
        assert all(mask.sum() >= 100 for mask in masks)


def test_the_mask_ends_where_the_picture_changes(samples: list[Sample]):
    """Just inside an outline the colour is nearer to the object's than to what lies just outside."""
    right = total = 0
    for sample in samples:
        if sample.image.ndim == 2:
            continue
        for found in sample.objects:
            if found.is_crowd:
                continue
            grown, shrunk = ndimage.binary_dilation(found.mask), ndimage.binary_erosion(found.mask)
            outside, inside = grown & ~found.mask, found.mask & ~shrunk
            deep, far = shrunk & ~ndimage.binary_erosion(shrunk, iterations=2), ndimage.binary_dilation(grown) & ~grown
            means = [sample.image[area].mean(0) for area in (deep, inside, outside, far)]
            right += np.abs(means[1] - means[0]).sum() < np.abs(means[1] - means[3]).sum()
            right += np.abs(means[2] - means[3]).sum() < np.abs(means[2] - means[0]).sum()
            total += 2
    assert right / total > 0.97


def test_every_difficulty_occurs(samples: list[Sample]):
    objects = [found for sample in samples for found in sample.objects]
    parts = [ndimage.label(found.mask)[1] for found in objects if not found.is_crowd]
    holes = [ndimage.binary_fill_holes(found.mask).sum() > found.mask.sum() for found in objects]
    at_border = [found.mask[[0, -1]].any() or found.mask[:, [0, -1]].any() for found in objects]
    assert sum(count > 1 for count in parts) > 20
    assert sum(holes) > 50
    assert sum(at_border) > 100
    assert sum(found.is_crowd for found in objects) > 5
    assert {found.form for found in objects} == {"polygons", "counts", "string"}
    assert len({sample.image.shape[:2] for sample in samples}) >= 5


def test_empty_and_grey_images_are_told_by_the_index(samples: list[Sample]):
    assert [index for index, sample in enumerate(samples) if not sample.objects] == [17, 67, 117, 167, 217]
    assert [index for index, sample in enumerate(samples) if sample.image.ndim == 2] == list(range(7, 250, 25))


def test_colour_says_nothing_about_the_class(samples: list[Sample]):
    """The mean colours of the classes differ by no more than chance."""
    colours: dict[int, list[np.ndarray]] = {category.id: [] for category in CATEGORIES}
    for sample in samples:
        for found in sample.objects:
            if sample.image.ndim == 3 and not found.is_crowd:
                colours[found.category_id].append(sample.image[found.mask].mean(0))
    means = np.array([np.mean(values, 0) for values in colours.values()])
    assert min(map(len, colours.values())) > 100
    assert np.ptp(means, axis=0).max() < 35


def test_a_ring_has_a_hole_and_a_disc_has_none():
    random = np.random.default_rng(0)
    for name, has_hole in (("ring", True), ("disc", False), ("cross", False), ("triangle", False)):
        mask = draw_shape(name, 20, random) > 127
        assert (ndimage.binary_fill_holes(mask).sum() > mask.sum()) is np.bool_(has_hole)
        assert not mask[[0, -1]].any()


def test_every_annotation_decodes_to_exactly_the_visible_pixels(samples: list[Sample]):
    for sample in samples[:100]:
        height, width = sample.image.shape[:2]
        for annotation, found in zip(annotate(sample, 1, 1), sample.objects, strict=True):
            mask = segmentation_to_mask(annotation["segmentation"], height, width)
            assert np.array_equal(mask, found.mask)
            assert annotation["area"] == mask.sum()
            x, y, box_width, box_height = annotation["bbox"]
            assert mask[y : y + box_height, x : x + box_width].sum() == mask.sum()
            if annotation["iscrowd"]:
                assert isinstance(annotation["segmentation"], dict)


def test_the_written_set_passes_the_checks_and_its_files_are_what_it_says(dataset: Path):
    for split, count in (("train", 60), ("val", 20)):
        content = load_coco(dataset / "annotations" / f"{split}.json", dataset / "images")
        assert len(content["images"]) == count
        for entry in content["images"]:
            with Image.open(dataset / "images" / entry["file_name"]) as image:
                assert image.size == (entry["width"], entry["height"])
                assert image.mode == ("L" if (entry["id"] - 1) % 25 == 7 else "RGB")


def test_train_and_val_share_no_image(dataset: Path):
    train, val = ({path.read_bytes() for path in (dataset / "images" / split).iterdir()} for split in ("train", "val"))
    assert len(train) == 60
    assert not train & val


def test_writing_twice_gives_the_same_files(dataset: Path, tmp_path: Path):
    write_sample(tmp_path, train=60, val=20, seed=0)
    files = sorted(path.relative_to(dataset) for path in dataset.rglob("*") if path.is_file())
    assert len(files) == 82
    assert all((dataset / file).read_bytes() == (tmp_path / file).read_bytes() for file in files)


def test_a_file_is_small_and_looks_like_the_image(samples: list[Sample]):
    sizes = []
    for sample in samples[:50]:
        jpeg = encode_jpeg(sample.image)
        sizes.append(len(jpeg))
        decoded = np.asarray(Image.open(io.BytesIO(jpeg)))
        assert decoded.shape == sample.image.shape
        assert np.abs(decoded.astype(int) - sample.image).mean() < 8
    assert np.mean(sizes) < 4000


def test_category_ids_have_gaps(dataset: Path):
    content = json.loads((dataset / "annotations" / "val.json").read_text())
    assert [entry["id"] for entry in content["categories"]] == [1, 2, 5, 9]

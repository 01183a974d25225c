"""A scene's image, polygons and masks move together, and masks are exact."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as pycocotools_mask

from sparseinst.data.loading.outlines import Outlines
from sparseinst.data.loading.scene import Scene, Shape, Window, sample
from sparseinst.imaging.read import read_image
from sparseinst.imaging.resize import resize_image, target_size
from sparseinst.masks.coco import mask_to_rle, segmentation_to_mask
from sparseinst.torchvision_import import functional

BLACK = np.zeros((40, 60, 3), np.uint8)
LEFT = [[0.0, 0.0, 10.0, 0.0, 10.0, 40.0, 0.0, 40.0]]


def test_a_flip_moves_the_first_pixel_to_the_last() -> None:
    objects: list[tuple[int, Shape]] = [(0, LEFT), (0, mask_to_rle(segmentation_to_mask(LEFT, 40, 60)))]
    for flip, wanted in (
        (functional.horizontal_flip, np.s_[:, :, 50:]),
        (functional.vertical_flip, np.s_[:, :, :10]),  # upside down it looks the same
    ):
        target = Scene.of(BLACK, objects).flipped(flip).target()
        assert target.masks[wanted].all() and target.masks.sum() == 2 * 400


def test_twice_flipped_is_as_before_to_the_last_bit() -> None:
    points = torch.rand(50, 2, dtype=torch.float64).mul(64).round(decimals=3)
    outlines = Outlines(points, canvas_size=(64, 64))
    for flip in (functional.horizontal_flip, functional.vertical_flip):
        assert not torch.equal(flip(outlines), outlines)
        torch.testing.assert_close(flip(flip(outlines)), outlines, rtol=0, atol=1e-14)


def test_corners_are_resized_in_double_precision_and_stay_on_their_image() -> None:
    outlines = Outlines(torch.tensor([[1 / 3, 1e-9], [639.9, 480]], dtype=torch.float64), canvas_size=(480, 640))
    larger = functional.resize(outlines, [607, 853])
    assert isinstance(larger, Outlines) and larger.canvas_size == (607, 853)
    assert larger.tolist() == [[1 / 3 * (853 / 640), 1e-9 * (607 / 480)], [639.9 * (853 / 640), 480 * (607 / 480)]]
    part = functional.crop(larger, 7, 11, 100, 200)
    assert isinstance(part, Outlines) and part.canvas_size == (100, 200)
    assert part.tolist() == [[x - 11, y - 7] for x, y in larger.tolist()]


corners = st.lists(st.tuples(st.floats(-20, 80), st.floats(-20, 60)), min_size=3, max_size=8)
polygons = st.lists(corners.map(lambda points: np.ravel(points).tolist()), min_size=1, max_size=3)


@given(st.lists(polygons, max_size=4), st.tuples(st.integers(1, 90), st.integers(1, 90)), st.booleans(), st.booleans())
@settings(max_examples=150, deadline=None)
def test_masks_are_pycocotools_masks_of_the_moved_polygons(
    shapes: list[list[list[float]]], size: tuple[int, int], mirror: bool, upside_down: bool
) -> None:
    scene = Scene.of(BLACK, list(enumerate(shapes)))
    scale, shift = np.array([size[1] / 60, size[0] / 40]), np.zeros(2)
    sign = np.array([-1 if mirror else 1, -1 if upside_down else 1])
    shift = np.array([60 if mirror else 0, 40 if upside_down else 0])
    if mirror:
        scene = scene.flipped(functional.horizontal_flip)
    if upside_down:
        scene = scene.flipped(functional.vertical_flip)
    target = scene.resized(size).target()
    wanted = {}
    for number, parts in enumerate(shapes):
        moved = [((np.reshape(part, (-1, 2)) * sign + shift) * scale).ravel().tolist() for part in parts]
        mask = pycocotools_mask.decode(pycocotools_mask.merge(pycocotools_mask.frPyObjects(moved, *size)))
        if mask.any():
            wanted[number] = mask
    assert target.classes.tolist() == list(wanted)
    assert target.masks.shape == (len(wanted), *size)
    for found, mask in zip(target.masks.numpy(), wanted.values(), strict=True):
        np.testing.assert_array_equal(found, mask)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 50), st.integers(0, 30)), max_size=6))
@settings(max_examples=60, deadline=None)
def test_objects_keep_their_order_and_classes_however_their_masks_are_written(
    drawn: list[tuple[bool, int, int]],
) -> None:
    objects: list[tuple[int, Shape]] = []
    masks = []
    for number, (as_rle, x, y) in enumerate(drawn):
        square = [[float(v) for v in (x, y, x + 9, y, x + 9, y + 9, x, y + 9)]]
        masks.append(segmentation_to_mask(square, 40, 60))
        objects.append((number, mask_to_rle(masks[-1]) if as_rle else square))
    target = Scene.of(BLACK, objects).target()
    assert target.classes.tolist() == list(range(len(drawn)))
    np.testing.assert_array_equal(target.masks.numpy(), np.array(masks, np.uint8).reshape(-1, 40, 60))


def test_images_are_resized_to_within_one_level_of_pillow(shared: Path) -> None:
    files = sorted((shared / "data").glob("*/images/*val*/*"))[:60]
    assert len(files) == 60
    for number, path in enumerate(files):
        image = read_image(path)
        size = target_size(*image.shape[:2], (97, 416, 640)[number % 3], 853)
        found = Scene.of(image, []).resized(size).image.permute(1, 2, 0).numpy().astype(int)
        assert abs(found - resize_image(image, *size)).max() <= 1


def test_a_cropped_scene_is_resized_as_its_part_alone(shared: Path) -> None:
    image = read_image(next((shared / "data/coco2017-mini/images/val2017").iterdir()))
    part = Scene.of(image, []).cropped(10, 20, 200, 300).resized((250, 375)).image
    alone = Scene.of(np.ascontiguousarray(image[10:210, 20:320]), []).resized((250, 375)).image
    assert torch.equal(part, alone)


def test_real_objects_have_pycocotools_masks_at_the_networks_size(shared: Path) -> None:
    content = json.loads((shared / "data/coco2017-mini/annotations/instances_val2017.json").read_text())
    for image in content["images"][:40]:
        size = (image["height"], image["width"])
        shapes = [a["segmentation"] for a in content["annotations"] if a["image_id"] == image["id"]]
        shapes = [shape for shape in shapes if isinstance(shape, list)]
        new = target_size(*size, 640, 853)
        target = Scene.of(np.zeros((*size, 3), np.uint8), list(enumerate(shapes))).resized(new).target()
        scale = np.array([new[1] / size[1], new[0] / size[0]])
        for number, mask in zip(target.classes.tolist(), target.masks.numpy(), strict=True):
            moved = [(np.reshape(part, (-1, 2)) * scale).ravel().tolist() for part in shapes[number]]
            np.testing.assert_array_equal(mask, segmentation_to_mask(moved, *new))


def test_a_hole_stays_a_hole() -> None:
    ring = np.zeros((40, 60), np.uint8)
    ring[5:35, 10:50] = 1
    ring[15:25, 20:40] = 0
    target = Scene.of(BLACK, [(0, mask_to_rle(ring))]).resized((80, 120)).target()
    np.testing.assert_array_equal(target.masks[0], np.kron(ring, np.ones((2, 2), np.uint8)))


def test_pixels_are_sampled_as_opencv_does_and_a_window_of_everything_is_everything() -> None:
    mask = np.random.default_rng(0).integers(0, 2, (30, 47), np.uint8)
    for new in ((30, 47), (64, 96), (16, 28)):  # no new pixel's centre lies on the edge of an old one
        whole = sample(mask, new, None)
        np.testing.assert_array_equal(whole, cv2.resize(mask, new[::-1], interpolation=cv2.INTER_NEAREST_EXACT))
        np.testing.assert_array_equal(sample(mask, new, Window(0, 0, 30, 47)), whole)
    np.testing.assert_array_equal(sample(mask, (10, 12), Window(5, 7, 10, 12)), mask[5:15, 7:19])


def test_a_damaged_rle_is_an_error() -> None:
    for counts in ("", "05", "!", "PPPP", [1, 2, 3]):
        with pytest.raises(ValueError, match="RLE"):
            Scene.of(BLACK, [(0, {"size": [40, 60], "counts": counts})])

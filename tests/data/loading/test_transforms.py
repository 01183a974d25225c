"""Augmentation changes an image and its masks alike, and is decided by its random generator alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from sparseinst.data.config import InputConfig
from sparseinst.data.loading.example import Target
from sparseinst.data.loading.scene import Scene, Shape
from sparseinst.data.loading.transforms import augment, jitter_colours, random_crop
from sparseinst.imaging.resize import resize_image, target_size
from sparseinst.masks.coco import Segmentation, mask_to_rle, segmentation_to_mask

SQUARE = [[10.0, 10.0, 30.0, 10.0, 30.0, 30.0, 10.0, 30.0]]


def scene() -> np.ndarray:
    """A white square on black, exactly where SQUARE is."""
    image = np.zeros((40, 60, 3), np.uint8)
    image[10:30, 10:30] = 255
    return image


def augmented(
    image: np.ndarray, objects: Sequence[tuple[int, Shape]], short: int, config: InputConfig, seed: int
) -> tuple[np.ndarray, Target]:
    """The image as [h, w, 3], and its target."""
    pixels, target = augment(image, objects, short, config, np.random.default_rng(seed))
    return pixels.permute(1, 2, 0).numpy(), target


@pytest.mark.parametrize("seed", range(8))
def test_masks_stay_on_their_objects(seed: int) -> None:
    config = InputConfig(train_longest_side=1000, vertical_flip=0.5)
    image, target = augmented(scene(), [(2, SQUARE)], 80, config, seed)
    assert image.shape == (80, 120, 3)
    assert target.classes.tolist() == [2]
    white = image[:, :, 0] > 127
    assert (white != target.masks[0].numpy().astype(bool)).mean() < 0.01


def test_the_same_generator_gives_the_same_example_and_another_one_another() -> None:
    config = InputConfig(train_longest_side=1000, colour_jitter=0.3)
    results = [augmented(scene(), [(0, SQUARE)], 40, config, seed)[0] for seed in (1, 1, 2)]
    np.testing.assert_array_equal(results[0], results[1])
    assert (results[0] != results[2]).any()


def test_an_object_that_vanishes_is_dropped() -> None:
    speck = [[0.0, 0.0, 0.2, 0.0, 0.2, 0.2]]
    config = InputConfig(train_longest_side=1000)
    _, target = augmented(scene(), [(0, speck), (1, SQUARE)], 20, config, 0)
    assert target.classes.tolist() == [1]
    assert target.masks.shape == (1, 20, 30)
    _, nothing = augmented(scene(), [], 20, config, 0)
    assert nothing.masks.shape == (0, 20, 30)


def test_colours_stray_within_their_bounds() -> None:
    grey = torch.full((3, 4, 4), 100, dtype=torch.uint8)
    strayed = [jitter_colours(grey, 0.5, np.random.default_rng(seed)) for seed in range(50)]
    values = torch.stack(strayed).numpy().astype(int)
    assert values.min() >= 100 * 0.5 - 32 and values.max() <= 100 * 1.5 + 32
    assert values.std() > 10
    assert torch.equal(jitter_colours(grey, 0.0, np.random.default_rng(0)), grey)


# Crops of 16 to 24 pixels' height and width from an image whose shorter side is 20, 30 or 40.
CROP = InputConfig(crop=1.0, crop_short_sides=(20, 30, 40), crop_smallest=16, crop_largest=24)


def plain_recipe(short: int, config: InputConfig, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """What a run without crops makes of the scene, by Pillow and pycocotools: flip, vertical flip, resize."""
    random = np.random.default_rng(seed)
    image, points = scene(), np.reshape(SQUARE[0], (-1, 2))
    if random.random() < config.flip:
        image, points = image[:, ::-1], np.array([60, 0]) + points * [-1, 1]
    if random.random() < config.vertical_flip:
        image, points = image[::-1], np.array([0, 40]) + points * [1, -1]
    height, width = target_size(40, 60, short, config.train_longest_side)
    mask = segmentation_to_mask([(points * [width / 60, height / 40]).ravel().tolist()], height, width)
    return resize_image(np.ascontiguousarray(image), height, width), mask


@pytest.mark.parametrize("seed", range(8))
def test_without_crops_an_example_is_the_plain_recipes_and_nothing_is_drawn_for_a_crop(seed: int) -> None:
    config = InputConfig(vertical_flip=0.5)
    assert config.crop == 0
    random = np.random.default_rng(seed)
    image, target = augment(scene(), [(3, SQUARE)], 64, config, random)
    wanted_image, wanted_mask = plain_recipe(64, config, seed)
    assert abs(image.permute(1, 2, 0).numpy().astype(int) - wanted_image).max() <= 1
    np.testing.assert_array_equal(target.masks[0], wanted_mask)
    after_two_draws = np.random.default_rng(seed)
    after_two_draws.random(2)
    assert random.random() == after_two_draws.random()


def test_the_probability_of_a_crop_is_kept() -> None:
    config = InputConfig(
        crop=0.5, crop_short_sides=(30,), crop_smallest=16, crop_largest=24, flip=0.0, train_longest_side=1000
    )
    whole, _ = augmented(scene(), [], 32, replace(config, crop=0.0), 0)
    cropped = 0
    for seed in range(400):
        image, _ = augmented(scene(), [], 32, config, seed)
        cropped += not np.array_equal(image, whole)
    assert 160 < cropped < 240  # four standard deviations


def marked_scene(scale: int) -> np.ndarray:
    return np.repeat(np.repeat(scene(), scale, axis=0), scale, axis=1)


@pytest.mark.parametrize("as_rle", [False, True])
@pytest.mark.parametrize("scale", [1, 8])
def test_masks_stay_on_their_objects_through_crops(scale: int, as_rle: bool) -> None:
    config = InputConfig(
        crop=1.0,
        crop_short_sides=(80, 100),
        crop_smallest=60,
        crop_largest=120,
        vertical_flip=0.5,
        train_longest_side=300,
    )
    image = marked_scene(scale)
    square: Segmentation = [[scale * value for value in SQUARE[0]]]
    if as_rle:
        square = mask_to_rle(segmentation_to_mask(square, *image.shape[:2]))
    shown = 0
    for seed in range(24):
        cropped, target = augmented(image, [(2, square)], 96, config, seed)
        assert cropped.shape[:2] == target.masks.shape[1:]
        assert min(cropped.shape[:2]) == 96
        mask = target.masks.numpy().any(0)
        # The second resize blurs what the first has blurred: the threshold lies up to a pixel beside the edge.
        assert ((cropped[:, :, 0] > 127) != mask).mean() < 0.03
        core = cv2.erode(mask.astype(np.uint8), np.ones((9, 9))).astype(bool)
        assert (cropped[core] > 127).all()
        shown += 0 < mask.mean() < 1
    assert shown > 12


@pytest.mark.parametrize(
    ("size", "heights", "widths"),
    [
        ((10, 12), (10, 10), (12, 12)),  # smaller than any crop
        ((20, 22), (16, 20), (16, 22)),  # between
        ((30, 90), (16, 24), (16, 24)),  # larger than any crop
        ((90, 30), (16, 24), (16, 24)),
    ],
)
def test_crops_reach_both_ends_of_their_range_and_keep_to_it(
    size: tuple[int, int], heights: tuple[int, int], widths: tuple[int, int]
) -> None:
    config = InputConfig(crop=1.0, crop_short_sides=(min(size),), crop_smallest=16, crop_largest=24)
    whole, random = Scene.of(np.zeros((*size, 3), np.uint8), []), np.random.default_rng(0)
    shapes = np.array([random_crop(whole, config, random).size for _ in range(300)])
    assert (shapes[:, 0].min(), shapes[:, 0].max()) == heights
    assert (shapes[:, 1].min(), shapes[:, 1].max()) == widths


def test_before_a_crop_the_shorter_side_becomes_one_of_those_given_however_long_the_other() -> None:
    whole = Scene.of(np.zeros((10, 100, 3), np.uint8), [])
    config = InputConfig(
        crop=1.0, crop_short_sides=(20, 40), crop_smallest=500, crop_largest=500, train_longest_side=50
    )
    random = np.random.default_rng(0)
    crops = [random_crop(whole, config, random).size for _ in range(30)]
    assert set(crops) == {(20, 200), (40, 400)}


def test_every_place_that_fits_is_equally_likely_up_to_all_four_edges() -> None:
    config = InputConfig(crop=1.0, crop_short_sides=(20,), crop_smallest=16, crop_largest=16)
    # Each pixel says where it is, so that the crop does.
    image = np.stack([*np.mgrid[:20, :22], np.zeros((20, 22))], axis=2).astype(np.uint8)
    whole, random = Scene.of(image, []), np.random.default_rng(0)
    corners = []
    for _ in range(2100):
        crop = random_crop(whole, config, random)
        corner = crop.image[:2, 0, 0].tolist()
        assert crop.size == (16, 16)
        assert crop.window == (*corner, 16, 16)
        corners.append(tuple(corner))
    places, times = np.unique(corners, axis=0, return_counts=True)
    assert len(places) == 5 * 7
    assert places.min(0).tolist() == [0, 0] and places.max(0).tolist() == [4, 6]
    assert times.min() > 30 and times.max() < 95  # 60 expected


@pytest.mark.parametrize("as_rle", [False, True])
def test_a_flip_comes_before_the_crop(as_rle: bool) -> None:
    square: Segmentation = SQUARE
    if as_rle:
        square = mask_to_rle(segmentation_to_mask(SQUARE, 40, 60))
    mirrored = np.ascontiguousarray(scene()[:, ::-1])
    mirrored_square: Segmentation = [[60 - value if place % 2 == 0 else value for place, value in enumerate(SQUARE[0])]]
    if as_rle:
        mirrored_square = mask_to_rle(segmentation_to_mask(mirrored_square, 40, 60))
    crop = {"crop": 1.0, "crop_short_sides": (20, 30, 40), "crop_smallest": 16, "crop_largest": 24}
    for seed in range(6):
        turned = augmented(scene(), [(0, square)], 32, InputConfig(**crop, flip=1.0), seed)  # type: ignore[arg-type]
        kept = augmented(mirrored, [(0, mirrored_square)], 32, InputConfig(**crop, flip=0.0), seed)  # type: ignore[arg-type]
        np.testing.assert_array_equal(turned[0], kept[0])
        assert torch.equal(turned[1].masks, kept[1].masks)


def test_an_object_outside_the_crop_is_dropped_with_its_class() -> None:
    corners = [[[x, y, x + 4, y, x + 4, y + 4, x, y + 4]] for x in (0, 56) for y in (0, 36)]
    rle = mask_to_rle(segmentation_to_mask(corners[3], 40, 60))
    objects: list[tuple[int, Segmentation]] = [(7, SQUARE), *enumerate(corners[:3]), (3, rle)]
    dropped = 0
    for seed in range(40):
        # Every crop keeps more than half the height and width of the image, and never all four corners.
        config = InputConfig(crop=1.0, crop_short_sides=(40,), crop_smallest=22, crop_largest=34, flip=0.0)
        random = np.random.default_rng(seed)
        _, target = augment(scene(), objects, 40, config, random)
        again = np.random.default_rng(seed)
        again.random(3)
        window = random_crop(Scene.of(scene(), []), config, again).window
        assert window is not None
        top, left, height, width = window
        inside = [
            index
            for index, corner in objects
            for mask in [segmentation_to_mask(corner, 40, 60)]
            if mask[int(top) : int(top + height), int(left) : int(left + width)].any()
        ]
        assert target.classes.tolist() == inside
        assert len(target.masks) == len(inside)
        assert target.masks.flatten(1).any(1).all()
        dropped += len(objects) - len(inside)
    assert dropped > 80


def test_an_example_whose_crop_lost_every_object_is_still_an_example() -> None:
    corner = [[0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0]]
    lost = 0
    for seed in range(20):
        for objects in ([(0, corner), (1, corner)], []):
            image, target = augmented(scene(), objects, 32, CROP, seed)
            assert image.dtype == np.uint8 and min(image.shape[:2]) == 32
            assert target.masks.shape == (len(target.classes), *image.shape[:2])
            assert str(target.classes.dtype) == "torch.int64"
            assert str(target.masks.dtype) == "torch.uint8"
            lost += bool(objects) and len(target.classes) == 0
    assert lost > 10


def test_an_rle_and_its_polygon_agree_after_a_crop() -> None:
    heart = [[150.0, 260.0, 40.0, 120.0, 60.0, 50.0, 130.0, 60.0, 160.0, 110.0, 220.0, 40.0, 330.0, 90.0]]
    rle = mask_to_rle(segmentation_to_mask(heart, 300, 400))
    image = np.zeros((300, 400, 3), np.uint8)
    compared = 0
    for seed in range(12):
        config = InputConfig(crop=1.0, crop_short_sides=(200, 250), crop_smallest=100, crop_largest=200)
        _, target = augmented(image, [(0, heart), (1, rle)], 160, config, seed)
        if len(target.classes) == 2:
            polygon, pixels = target.masks.numpy().astype(bool)
            assert (polygon != pixels).mean() < 0.01
            compared += polygon.any()
    assert compared > 8


def test_the_same_generator_crops_alike() -> None:
    results = [augmented(scene(), [(0, SQUARE)], 32, CROP, seed)[0] for seed in (1, 1, 2)]
    np.testing.assert_array_equal(results[0], results[1])
    assert results[0].shape != results[2].shape or (results[0] != results[2]).any()

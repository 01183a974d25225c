"""A split depends on the images alone, divides every class alike, and never a group."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparseinst.data.checks.file import check_file
from sparseinst.data.shaping.config import ShapeConfig
from sparseinst.data.shaping.shape import shape
from sparseinst.data.shaping.table import NEITHER, TRAIN, VAL, Everything
from sparseinst.errors import ConfigError, DatasetError
from tests.data.shaping.worlds import shuffled, skewed, world, worlds

SHARES = st.sampled_from([0.02, 0.1, 0.25, 0.5, 0.8])


def split_of(everything: Everything, **settings: Any) -> Any:
    return shape(everything, ShapeConfig(**settings)).split


def images_of_class(everything: Everything, split: Any, part: int) -> Any:
    """How many images of a part show each class."""
    shown = np.unique(np.stack([everything.image, everything.category], 1), axis=0)
    return np.bincount(shown[split[shown[:, 0]] == part, 1], minlength=len(everything.categories))


@settings(deadline=None)
@given(worlds(least_images=2), SHARES, st.integers(0, 3))
def test_every_image_is_in_one_part_and_the_size_is_exact(everything: Everything, share: float, seed: int) -> None:
    split = split_of(everything, val_share=share, seed=seed)
    count = len(everything.names)
    assert set(split.tolist()) == {TRAIN, VAL}
    assert abs(np.count_nonzero(split == VAL) - share * count) <= max(0.5, 1 - share * count, 1 - (1 - share) * count)


@settings(deadline=None)
@given(worlds(least_images=2), SHARES, st.integers(0, 99))
def test_the_order_of_the_entries_does_not_matter(everything: Everything, share: float, seed: int) -> None:
    changed, images, annotations = shuffled(everything, seed)
    for more in ({}, {"group_by": "field:clip"}, {"subset": 4}):
        config = ShapeConfig(val_share=share, **more)  # type: ignore[arg-type]
        try:
            before = shape(everything, config)
        except (DatasetError, ConfigError):
            continue  # one group, or none
        after = shape(changed, config)
        np.testing.assert_array_equal(after.split, before.split[images])
        np.testing.assert_array_equal(after.category, before.category[annotations])
        assert after.facts == before.facts


@settings(deadline=None)
@given(worlds(least_images=4), SHARES)
def test_a_group_is_never_divided(everything: Everything, share: float) -> None:
    groups = [group or name for group, name in zip(everything.groups or [], everything.names, strict=True)]
    if len(set(groups)) < 2 or not any(everything.groups or []):
        return
    split = split_of(everything, val_share=share, group_by="field:clip")
    parts: dict[str, set[int]] = {}
    for group, part in zip(groups, split.tolist(), strict=True):
        parts.setdefault(group, set()).add(part)
    assert all(len(part) == 1 for part in parts.values())
    assert set(split.tolist()) == {TRAIN, VAL}
    largest = max(map(groups.count, groups))
    assert abs(np.count_nonzero(split == VAL) - share * len(groups)) <= largest


@pytest.mark.parametrize("share", [0.05, 0.1, 0.3])
def test_each_class_is_divided_in_the_asked_share(share: float) -> None:
    everything = skewed(4000, 30)
    split = split_of(everything, val_share=share)
    val = images_of_class(everything, split, VAL)
    total = val + images_of_class(everything, split, TRAIN)
    assert total.min() < 40 < 2000 < total.max()
    assert np.abs(val - share * total).max() <= 4
    assert (val[total >= 2] > 0).all()
    assert (val < total).all()


def test_images_without_objects_are_divided_too() -> None:
    everything = world([[]] * 500 + [[0]] * 500)
    split = split_of(everything, val_share=0.1)
    assert np.count_nonzero(split[:500] == VAL) == np.count_nonzero(split[500:] == VAL) == 50


def test_a_class_in_two_images_is_in_both_parts_and_one_in_a_single_image_in_train() -> None:
    everything = world([[0]] * 200 + [[0, 1], [0, 1], [0, 2]])
    for seed in range(20):
        split = split_of(everything, val_share=0.05, seed=seed)
        assert sorted(split[200:202].tolist()) == [TRAIN, VAL]
        assert split[202] == TRAIN


def test_crowd_regions_do_not_count_as_a_class_that_val_has() -> None:
    everything = world([[0]] * 50 + [[1]] * 4, crowd=[False] * 50 + [False, False, True, True])
    split = split_of(everything, val_share=0.1)
    assert sorted(split[50:52].tolist()) == [TRAIN, VAL]


def test_a_val_that_is_too_small_for_all_classes_still_has_its_size() -> None:
    everything = world([[number] for number in range(40)] * 2, [f"class {number}" for number in range(40)])
    assert np.count_nonzero(split_of(everything, val_share=0.05) == VAL) == 4


def test_groups_are_chosen_so_that_the_classes_are_even() -> None:
    """Clips of 40 images, each with hardly more than two of eight classes."""
    generator = np.random.default_rng(0)
    images = [[generator.choice(8, p=mix)] for mix in generator.dirichlet([0.3] * 8, 80) for _ in range(40)]
    names = [f"clip{number // 40:02d}_{number % 40:02d}.jpg" for number in range(len(images))]
    everything = world(images, [f"class {number}" for number in range(8)], names=names)
    split = split_of(everything, val_share=0.2, group_by="name:^([^_]+)_")
    val = images_of_class(everything, split, VAL)
    total = val + images_of_class(everything, split, TRAIN)
    np.testing.assert_allclose(val / total, 0.2, atol=0.05)
    assert all(len(set(split[start : start + 40].tolist())) == 1 for start in range(0, len(images), 40))
    assert abs(np.count_nonzero(split == VAL) - 640) <= 40


def test_images_are_grouped_by_their_folder_or_by_a_part_of_their_name() -> None:
    names = [f"{place}/{camera}-{number}.jpg" for place in "abcde" for camera in "xyz" for number in range(4)]
    everything = world([[0]] * len(names), names=names)
    for group_by, key in (("folder", 0), ("name:/(.)", 2), ("name:^.", 0)):
        split = split_of(everything, val_share=0.3, group_by=group_by)
        val = {name[key] for name, part in zip(names, split, strict=True) if part == VAL}
        train = {name[key] for name, part in zip(names, split, strict=True) if part == TRAIN}
        assert val and train and not val & train


def test_images_that_the_expression_does_not_fit_are_by_themselves() -> None:
    everything = world([[0]] * 20, names=["clip1-a.jpg", "clip1-b.jpg", *(f"{number}.jpg" for number in range(18))])
    split = split_of(everything, val_share=0.5, group_by="name:clip.")
    assert split[0] == split[1]
    assert np.count_nonzero(split == VAL) == 10


def test_entries_of_the_same_file_stay_together() -> None:
    everything = world([[0]] * 20, names=[f"{number // 2}.jpg" for number in range(20)])
    for seed in range(10):
        split = split_of(everything, val_share=0.3, seed=seed)
        np.testing.assert_array_equal(split[::2], split[1::2])


def test_another_seed_gives_another_split_and_the_same_seed_the_same() -> None:
    everything = skewed(500, 5)
    first, again, other = (split_of(everything, val_share=0.2, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert 0 < np.count_nonzero((first == VAL) & (other == VAL)) < 50


def test_images_that_are_added_move_few_of_the_others() -> None:
    everything = skewed(5000, 20)
    kept = np.flatnonzero(everything.image < 4900)
    smaller = replace(
        everything,
        **{name: getattr(everything, name)[:4900] for name in ("split", "names", "heights", "widths")},
        **{name: getattr(everything, name)[kept] for name in ("image", "category", "crowd", "area", "box")},
    )
    moved = split_of(everything, val_share=0.1)[:4900] != split_of(smaller, val_share=0.1)
    assert np.count_nonzero(moved) < 50


def test_the_sources_own_split_is_kept_unless_a_new_one_is_asked_for() -> None:
    everything = world([[0]] * 100, split=[TRAIN] * 50 + [VAL] * 50)
    np.testing.assert_array_equal(split_of(everything, val_share=0.1), everything.split)
    assert np.count_nonzero(split_of(everything, val_share=0.1, resplit=True) == VAL) == 10
    assert not shape(everything, ShapeConfig()).facts["split"]["made"]


def test_a_source_without_val_gets_one() -> None:
    everything = world([[0]] * 100, split=[TRAIN] * 100)
    assert np.count_nonzero(split_of(everything, val_share=0.1) == VAL) == 10
    assert np.count_nonzero(split_of(everything) == VAL) == 0


def test_only_images_that_are_kept_are_divided() -> None:
    everything = world([[0]] * 60 + [[]] * 40)
    split = split_of(everything, val_share=0.1, keep_empty=False)
    assert np.count_nonzero(split == VAL) == 6
    assert (split[60:] == NEITHER).all()


def test_a_split_that_nobody_gave_a_share_for_is_asked_about() -> None:
    with pytest.raises(DatasetError, match="does not say which images are for validation") as caught:
        split_of(world([[0], [1]]))
    assert "--val-share" in caught.value.fix


@pytest.mark.parametrize("images", [[], [[0]]])
def test_one_image_cannot_be_divided(images: list[list[int]]) -> None:
    with pytest.raises(DatasetError, match="cannot be divided") as caught:
        split_of(world(images), val_share=0.5)
    assert caught.value.fix


def test_one_group_cannot_be_divided() -> None:
    with pytest.raises(DatasetError, match="cannot be divided") as caught:
        split_of(world([[0]] * 9), val_share=0.5, group_by="folder")
    assert "--group-by" in caught.value.fix


@pytest.mark.parametrize("group_by", ["name:clip", "field:clip"])
def test_grouping_by_what_no_image_has_is_refused(group_by: str) -> None:
    with pytest.raises(ConfigError, match="No image has what to group by") as caught:
        split_of(world([[0]] * 9), val_share=0.5, group_by=group_by)
    assert "00000.jpg" in caught.value.fix


def test_the_facts_say_how_even_the_split_is() -> None:
    everything = world([[0]] * 100 + [[1]] * 100 + [[2]], split=[TRAIN, VAL] * 100 + [VAL])
    facts = shape(everything, ShapeConfig()).facts["split"]
    assert facts["only_in_val"] == ["bus"]
    assert facts["in_neither"] == ["cat"]
    assert facts["only_in_train"] == []
    assert facts["val_share_of_classes"] == {"least": 0.5, "median": 0.5, "most": 0.5}


def test_a_real_data_set_is_divided_evenly(shared: Path) -> None:
    file = check_file(shared / "data/coco2017-mini/annotations/instances_train2017.json")
    table, images = file.annotations, file.images
    everything = Everything(
        file.categories, np.full(len(images.ids), NEITHER, np.int8), images.names, None, images.heights, images.widths,
        table.images, table.categories, table.crowds, table.areas, table.boxes,
    )  # fmt: skip
    split = split_of(everything, val_share=0.25)
    assert np.count_nonzero(split == VAL) == round(0.25 * len(split))
    objects = replace(everything, image=table.images[~table.crowds], category=table.categories[~table.crowds])
    val, train = (images_of_class(objects, split, part) for part in (VAL, TRAIN))
    assert (val[val + train >= 2] > 0).all()
    assert (train[val + train >= 1] > 0).all()
    assert np.abs(val - 0.25 * (val + train)).max() <= 3


@pytest.mark.parametrize("seed", range(30))
def test_each_class_is_in_both_parts_wherever_any_choice_of_that_size_does_it(seed: int) -> None:
    generator = np.random.default_rng(seed)
    mix = generator.dirichlet([0.4] * 4)
    everything = world([generator.choice(4, generator.integers(0, 5), p=mix).tolist() for _ in range(11)])
    shows = np.zeros((11, 4), np.int64)
    shows[everything.image, everything.category] = 1
    often = shows.sum(0) >= 2

    def is_complete(rows: Sequence[int]) -> bool:
        val = shows[list(rows)].sum(0)[often]
        return bool(((val > 0) & (val < shows.sum(0)[often])).all())

    split = split_of(everything, val_share=0.3)
    possible = any(is_complete(rows) for rows in itertools.combinations(range(11), 3))
    assert is_complete(np.flatnonzero(split == VAL).tolist()) == possible

"""Classes are selected, left out, merged and renamed, and whatever cannot be meant is told at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparseinst.data.categories import Category
from sparseinst.data.shaping.config import ShapeConfig
from sparseinst.data.shaping.shape import shape
from sparseinst.data.shaping.table import Everything, Shaped
from sparseinst.errors import ConfigError
from tests.data.shaping.worlds import only_annotations, world, worlds

ONE_OF_EACH = ("person", "car", "bus", "cat")  # ids 3, 5, 7, 9


def shaped(classes: tuple[str, ...] = ONE_OF_EACH, **settings: Any) -> Shaped:
    everything = world([range(len(classes)), []], classes, split=[0, 1])
    return shape(everything, ShapeConfig(**settings))


def classes_of(result: Shaped) -> dict[int, str]:
    return {category.id: category.name for category in result.categories}


def new_names(result: Shaped) -> list[str | None]:
    """The class of each annotation, None where it is left out."""
    return [result.categories[place].name if place >= 0 else None for place in result.category]


def problems(**settings: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        shaped(**settings)
    return str(caught.value)


def test_the_defaults_change_nothing() -> None:
    everything = world([[0, 3], [], [2, 2]], split=[0, 1, 0])
    result = shape(everything, ShapeConfig())
    assert list(result.categories) == everything.categories
    assert result.category_map == {}
    np.testing.assert_array_equal(result.category, everything.category)
    np.testing.assert_array_equal(result.split, everything.split)


def test_selected_classes_stay_and_keep_their_ids() -> None:
    result = shaped(select=("cat", "car"))
    assert classes_of(result) == {5: "car", 9: "cat"}
    assert new_names(result) == [None, "car", None, "cat"]
    assert result.category_map == {3: None, 5: 5, 7: None, 9: 9}


def test_a_dropped_class_goes_with_its_annotations() -> None:
    result = shaped(drop=("car",))
    assert classes_of(result) == {3: "person", 7: "bus", 9: "cat"}
    assert new_names(result) == ["person", None, "bus", "cat"]
    assert result.facts["annotations"] == {"given": 4, "kept": 3, "class_left_out": 1}
    assert result.facts["classes"] == {"given": 4, "kept": 3}


def test_a_merged_class_has_the_id_of_the_first_that_is_named() -> None:
    result = shaped(merge=("vehicle=bus,car",))
    assert classes_of(result) == {3: "person", 7: "vehicle", 9: "cat"}
    assert new_names(result) == ["person", "vehicle", "vehicle", "cat"]
    assert result.category_map == {3: 3, 5: 7, 7: 7, 9: 9}


def test_a_class_that_has_the_new_name_already_takes_the_others_in() -> None:
    result = shaped(merge=("cat=car", "cat=bus"))
    assert classes_of(result) == {3: "person", 9: "cat"}
    assert new_names(result) == ["person", "cat", "cat", "cat"]


def test_a_merge_is_selected_by_its_new_name() -> None:
    assert classes_of(shaped(merge=("vehicle=car,bus",), select=("vehicle",))) == {5: "vehicle"}
    assert classes_of(shaped(merge=("car=bus",), select=("car",))) == {5: "car"}
    assert classes_of(shaped(rename=("human=person",), select=("human", "cat"))) == {3: "human", 9: "cat"}


def test_two_classes_may_change_their_names_with_each_other() -> None:
    assert classes_of(shaped(rename=("cat=car", "car=cat")))[5] == "cat"


def test_a_name_is_free_once_its_class_is_dropped() -> None:
    assert classes_of(shaped(drop=("car",), rename=("car=bus",))) == {3: "person", 7: "car", 9: "cat"}


def test_contiguous_ids_are_1_to_n_in_the_old_order() -> None:
    result = shaped(drop=("car",), contiguous=True)
    assert classes_of(result) == {1: "person", 2: "bus", 3: "cat"}
    assert result.category_map == {3: 1, 5: None, 7: 2, 9: 3}


def test_a_name_that_the_source_uses_twice_can_be_merged_into_one() -> None:
    twice = ("tv", "car", "tv")
    assert classes_of(shaped(twice)) == {3: "tv", 5: "car", 7: "tv"}  # the checks have warned of it
    assert classes_of(shaped(twice, merge=("tv=tv",))) == {3: "tv", 5: "car"}
    assert classes_of(shaped(twice, drop=("tv",))) == {5: "car"}


def test_names_with_commas_equals_signs_and_spaces_can_be_written() -> None:
    odd = ("cup, blue", "a=b", " tv")
    assert classes_of(shaped(odd, merge=(r"things=cup\, blue,a\=b",))) == {3: "things", 7: " tv"}
    assert classes_of(shaped(odd, rename=("tv= tv", "cup=cup, blue"))) == {3: "cup", 5: "a=b", 7: "tv"}
    assert classes_of(shaped(merge=("vehicle = car , bus",)))[5] == "vehicle"


def test_all_unknown_names_are_told_at_once_with_the_nearest_known_one() -> None:
    text = problems(select=("persn", "vehicle"), drop=("zebra",), merge=("vehicle=Car,bus",), rename=("kitten=cta",))
    assert "--select: there is no class 'persn'; did you mean 'person'?" in text
    assert "--drop: there is no class 'zebra'\n" in text
    assert "--merge: there is no class 'Car'; did you mean 'car'?" in text
    assert "--rename: there is no class 'cta'; did you mean 'cat'?" in text
    assert "The source has person, car, bus, cat." in text
    assert "where: --select, --drop, --merge, --rename" in text


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"drop": ("car",), "merge": ("vehicle=car,bus",)}, "'car' is dropped and merged into 'vehicle'"),
        ({"merge": ("vehicle=car,bus", "big=bus")}, "'bus' is merged into 'vehicle' and merged into 'big'"),
        ({"rename": ("auto=car", "wagon=car")}, "'car' is renamed to 'auto' and renamed to 'wagon'"),
        ({"rename": ("kitten=cat",), "merge": ("cat=car",)}, "'cat' is merged into 'cat' and renamed to 'kitten'"),
        ({"select": ("car",), "drop": ("car",)}, "'car' is selected and dropped"),
        ({"select": ("car",), "merge": ("vehicle=car,bus",)}, "'bus' is merged into 'vehicle', but not selected"),
        ({"select": ("car",), "rename": ("kitten=cat",)}, "'cat' is renamed to 'kitten', but not selected"),
        ({"rename": ("car=bus",)}, "bus, car would all be called 'car': use --merge car=bus,car"),
        ({"rename": ("van=bus", "van=car")}, "bus, car would all be called 'van': use --merge van=bus,car"),
        ({"drop": ONE_OF_EACH}, "no class is left"),
    ],
)
def test_what_contradicts_itself_is_refused(settings: dict[str, Any], problem: str) -> None:
    assert f"- {problem}\n" in problems(**settings)


def test_contradictions_of_several_kinds_come_in_one_error() -> None:
    text = problems(drop=("car", "lorry"), merge=("vehicle=car,bus",), rename=("bus=cat", "human=person", "man=person"))
    for part in ("no class 'lorry'", "'car' is dropped and", "'person' is renamed to 'human' and"):
        assert part in text


@settings(deadline=None)
@given(worlds(splits=(0, 1)))
def test_merging_moves_annotations_to_another_class_and_touches_nothing_else(everything: Everything) -> None:
    columns = {name: np.copy(getattr(everything, name)) for name in ("image", "category", "area", "box", "crowd")}
    result = shape(everything, ShapeConfig(merge=("vehicle=car,bus",)))
    for name, column in columns.items():
        np.testing.assert_array_equal(getattr(everything, name), column)
    new_ids = np.array([category.id for category in result.categories])[result.category]
    old_ids = np.array([category.id for category in everything.categories])[everything.category]
    assert new_ids.tolist() == [result.category_map[old] for old in old_ids.tolist()]
    assert result.facts["annotations"]["kept"] == len(everything.image)


@settings(deadline=None)
@given(worlds(splits=(0, 1)), st.sampled_from([(), ("person",), ("cat", "person")]), st.permutations(["car", "bus"]))
def test_shaping_in_two_steps_is_shaping_in_one(everything: Everything, dropped: tuple[str], merged: list[str]) -> None:
    settings: dict[str, Any] = {"drop": dropped, "merge": (f"vehicle={','.join(merged)}",)}
    together = shape(everything, ShapeConfig(**settings, contiguous=True))
    first = shape(everything, ShapeConfig(**settings))
    kept = np.flatnonzero(first.category >= 0)
    between = replace(only_annotations(everything, kept), categories=first.categories, category=first.category[kept])
    second = shape(between, ShapeConfig(contiguous=True))
    assert list(together.categories) == list(second.categories)
    np.testing.assert_array_equal(together.category[kept], second.category)
    numbers = second.category_map or {category.id: category.id for category in second.categories}
    assert together.category_map == {old: new and numbers[new] for old, new in first.category_map.items()}


@settings(deadline=None)
@given(worlds(splits=(0, 1)), st.sets(st.sampled_from(ONE_OF_EACH), max_size=3))
def test_new_classes_have_their_own_names_and_rising_ids(everything: Everything, dropped: set[str]) -> None:
    result = shape(everything, ShapeConfig(drop=tuple(dropped), contiguous=True))
    assert [category.id for category in result.categories] == list(range(1, 5 - len(dropped)))
    assert len({category.name for category in result.categories}) == len(result.categories)
    assert {old for old, new in result.category_map.items() if new is None} == {
        category.id for category in everything.categories if category.name in dropped
    }


def test_a_data_set_without_classes_stays_one() -> None:
    assert shape(world([[], []], (), split=[0, 1]), ShapeConfig()).categories == []


def test_numbering_what_is_numbered_already_changes_nothing() -> None:
    everything = world([[0]], split=[0], categories=[Category(1, "person"), Category(2, "car")])
    assert shape(everything, ShapeConfig(contiguous=True)).category_map == {}

"""Many compressed RLEs at once are read as `counts_of_rle_string` reads one, whatever letters they have."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as coco_mask

from sparseinst.masks import rle_strings
from sparseinst.masks.coco import counts_of_rle_string, mask_to_rle
from sparseinst.masks.rle_strings import damaged_rle_strings, rle_strings_to_counts

_TOO_LONG = "the counts have a number of more than 50 bits"

masks = st.tuples(st.integers(1, 30), st.integers(1, 30)).flatmap(lambda size: arrays(np.bool_, size))
good_texts = masks.map(lambda mask: mask_to_rle(mask)["counts"])
odd_letters = st.characters(min_codepoint=40, max_codepoint=120) | st.sampled_from(["é", "\0", "\ud800", "０"])
texts = st.one_of(
    good_texts,
    st.text(odd_letters, max_size=20),
    st.text(st.characters(min_codepoint=48, max_codepoint=111), max_size=40),  # all letters are an RLE's
    st.text(st.sampled_from("oP0Nm"), max_size=30),  # long numbers
)


def counts_of(text: str) -> list[int] | None:
    try:
        return counts_of_rle_string(text)
    except ValueError:
        return None


def has_long_number(text: str) -> bool:
    return any(len(part) > 9 for part in "".join("x" if "P" <= letter <= "o" else "." for letter in text).split("."))


@settings(max_examples=250, deadline=None)
@given(st.lists(texts, max_size=8))
def test_each_text_is_read_as_if_it_were_alone(several: list[str]):
    counts, faults = rle_strings_to_counts(several)
    assert len(counts) == len(several)
    for place, text in enumerate(several):
        alone = counts_of(text)
        if alone is None:
            assert place in faults
            assert counts[place].size == 0
        elif faults.get(place) == _TOO_LONG:
            assert has_long_number(text)
        else:
            assert place not in faults
            assert counts[place].tolist() == alone


@settings(max_examples=250, deadline=None)
@given(st.lists(st.tuples(texts, st.integers(1, 900)), max_size=8))
def test_only_texts_that_fill_their_image_are_sound(pairs: list[tuple[str, int]]):
    faults = damaged_rle_strings([text for text, _ in pairs], [pixels for _, pixels in pairs])
    for place, (text, pixels) in enumerate(pairs):
        alone = counts_of(text)
        is_sound = alone is not None and sum(alone) == pixels and min(alone, default=0) >= 0
        assert (place not in faults) == is_sound or faults[place] == _TOO_LONG
    assert list(faults) == sorted(faults)


@settings(max_examples=100, deadline=None)
@given(st.lists(masks, min_size=1, max_size=6))
def test_what_pycocotools_wrote_is_sound_and_its_area_is_that_of_every_second_count(drawn: list[np.ndarray]):
    rles = [mask_to_rle(mask) for mask in drawn]
    assert damaged_rle_strings([rle["counts"] for rle in rles], [mask.size for mask in drawn]) == {}
    counts, _ = rle_strings_to_counts([rle["counts"] for rle in rles])
    assert [int(runs[1::2].sum()) for runs in counts] == coco_mask.area(rles).tolist()


def test_the_largest_images_have_long_numbers():
    height, width = 40_000, 50_000
    whole = coco_mask.frPyObjects({"size": [height, width], "counts": [0, height * width]}, height, width)
    nothing = coco_mask.frPyObjects({"size": [height, width], "counts": [height * width]}, height, width)
    several = [whole["counts"].decode(), nothing["counts"].decode(), mask_to_rle(np.eye(5))["counts"]]
    assert damaged_rle_strings(several, [height * width] * 2 + [25]) == {}
    fault = "the counts sum to 2000000000, the image has 1999999999 pixels"
    assert damaged_rle_strings(several, [height * width - 1] * 2 + [25]) == {0: fault, 1: fault}


def test_counts_beyond_32_bits_do_not_pass_for_what_is_left_of_them():
    text = "oooooo7"
    assert counts_of_rle_string(text) == [2**33 - 1]
    assert damaged_rle_strings([text], [2**33 - 1 - 2**32]) == {
        0: "the counts sum to 8589934591, the image has 4294967295 pixels"
    }


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "the counts sum to 0, the image has 12 pixels"),
        ("5", "the counts sum to 5, the image has 12 pixels"),
        ("5N", "a count is below 0"),
        ("5!7", "the counts have the letter '!', which no RLE has"),
        ("5P", "the counts end in the middle of a number"),
        ("5é", "the counts have a letter that is not ASCII"),
        ("P" * 14 + "0<", _TOO_LONG),
    ],
)
def test_each_damage_is_named_and_the_neighbours_are_sound(text: str, fault: str):
    sound = mask_to_rle(np.eye(4, 3))["counts"]
    assert damaged_rle_strings([sound, text, sound], [12, 12, 12]) == {1: fault}


def test_batches_do_not_matter(monkeypatch: pytest.MonkeyPatch):
    random = np.random.default_rng(0)
    drawn = [random.random((20, 20)) < 0.3 for _ in range(50)]
    several = [mask_to_rle(mask)["counts"] for mask in drawn]
    several[17] = several[17][:-1]
    several[49] += "1"
    at_once = damaged_rle_strings(several, [400] * 50)
    assert sorted(at_once) == [17, 49]
    monkeypatch.setattr(rle_strings, "_BATCH_LETTERS", 100)
    assert damaged_rle_strings(several, [400] * 50) == at_once
    assert damaged_rle_strings([], []) == {}

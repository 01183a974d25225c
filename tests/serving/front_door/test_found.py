"""The objects of an answer are those of the model itself."""

from __future__ import annotations

import numpy as np
import pytest

from sparseinst.evaluation.selection import Selection
from sparseinst.export.contract import round_up
from sparseinst.export.decode import decode_reply
from sparseinst.masks.coco import encode_masks, mask_to_outlines
from sparseinst.serving.front_door import found as found_module
from sparseinst.serving.front_door.agreement import Agreement, agreement
from sparseinst.serving.front_door.asking import Reply
from sparseinst.serving.front_door.found import find
from sparseinst.serving.front_door.options import Options
from sparseinst.serving.front_door.routing import KnownModel
from tests.serving.front_door.models import METADATA

MODEL = KnownModel.of(METADATA)
SIZE = (75, 111)


@pytest.mark.parametrize("min_score", [0.0, 0.3, 0.61, 1.0])
@pytest.mark.parametrize("most", [1, 5, 100])
@pytest.mark.parametrize("at_a_time", [1, 3 * SIZE[0] * SIZE[1], 64_000_000])
def test_they_are_those_that_decoding_all_and_selecting_gives(
    min_score: float, most: int, at_a_time: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(found_module, "_PIXELS_AT_A_TIME", at_a_time)
    reply = _random(12)
    whole = decode_reply(reply.outputs, sent=reply.sent, originals=[SIZE], mask_threshold=MODEL.mask_threshold)[0]
    expected = Selection(min_score=min_score, most=most).of(whole, MODEL.categories)
    found = find(reply, SIZE, Options(min_score=min_score, most=most, polygons=True))
    np.testing.assert_array_equal(found.scores, expected.scores)
    np.testing.assert_array_equal(found.classes, expected.classes)
    assert found.rles == encode_masks(expected.masks)
    assert found.areas.tolist() == expected.masks.sum(axis=(1, 2)).tolist()
    np.testing.assert_array_equal(found.boxes, expected.boxes())
    assert found.polygons == [mask_to_outlines(mask) for mask in expected.masks]


def test_a_model_agrees_with_itself():
    found = find(_random(12), SIZE, Options())
    assert agreement(found, MODEL, found, MODEL) == Agreement(same=len(found.rles), missed=0, added=0)


def test_what_only_one_of_two_models_found_is_missed_or_added():
    reply = _random(12)
    all_of_them, few = find(reply, SIZE, Options(min_score=0)), find(reply, SIZE, Options(min_score=0, most=3))
    left = len(all_of_them.rles) - 3
    assert agreement(all_of_them, MODEL, few, MODEL) == Agreement(same=3, missed=left, added=0)
    assert agreement(few, MODEL, all_of_them, MODEL) == Agreement(same=3, missed=0, added=left)
    none = find(reply, SIZE, Options(min_score=1))
    assert agreement(few, MODEL, none, MODEL) == Agreement(same=0, missed=3, added=0)
    assert agreement(none, MODEL, few, MODEL) == Agreement(same=0, missed=0, added=3)


def test_a_mask_under_another_category_id_is_another_object_wherever_the_category_stands():
    found = find(_random(12), SIZE, Options())
    exchanged = KnownModel.of(METADATA | {"categories": METADATA["categories"][::-1]})
    assert agreement(found, MODEL, found, exchanged).same == 0


def _random(slots: int) -> Reply:
    """Squares of different sizes far apart, in slots out of order of which some are empty."""
    random = np.random.default_rng(3)
    sent = MODEL.target(*SIZE)
    height, width = round_up(sent[0]) // 4, round_up(sent[1]) // 4
    masks = np.zeros((1, slots, height, width), np.uint8)
    for slot in range(slots):
        row, column = 4 * (slot // 4), 6 * (slot % 4)
        masks[0, slot, row : row + 2 + slot % 2, column : column + 3] = random.integers(129, 256)
    classes = random.integers(-1, 2, (1, slots))
    scores = np.where(classes < 0, 0, random.choice([0.25, 0.3, 0.61, 0.8], (1, slots))).astype(np.float32)
    outputs = {"scores": scores, "classes": classes, "masks": masks}
    return Reply("m", MODEL, outputs, sent, 0.0, 0.0)

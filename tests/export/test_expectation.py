"""What rounding may do is allowed, case by case, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from sparseinst.export.comparison import TOLERANCES
from sparseinst.export.contract import NO_INSTANCE
from sparseinst.export.expectation import Deviation, Expectation
from sparseinst.export.torchscript import ServedModel
from sparseinst.model.network import SparseInst
from tests.tiny import TINY

STRICT = TOLERANCES["float32"]
THRESHOLD = TINY.mask_threshold
FLAT = float(np.log(THRESHOLD / (1 - THRESHOLD)))  # the logit of the mask threshold

Raw = dict[str, torch.Tensor]
Reply = dict[str, NDArray[Any]]


def raw_outputs(mask_noise: float = 3.0) -> Raw:
    """Six queries with three classes and lively masks on a grid of 16 x 16 cells."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.linspace(-2, 2, 6)[:, None] + torch.tensor([0.0, -1.0, -2.0])
    masks = FLAT + mask_noise * torch.randn(6, 16, 16, generator=generator)
    return {"pred_logits": logits, "pred_scores": torch.zeros(6, 1), "pred_masks": masks}


@torch.no_grad()
def reply_to(raw: Raw) -> Reply:
    """What the served model makes of raw outputs."""
    served = ServedModel(SparseInst(TINY, 3).eval(), {"max_pixels": 10_000})
    served.backbone = served.encoder = torch.nn.Identity()
    served.decoder = Fixed(*(raw[name][None] for name in ("pred_logits", "pred_scores", "pred_masks")))
    scores, classes, masks, *_ = served.detect(torch.zeros(1, 3, 64, 64))
    return {"scores": scores[0].numpy(), "classes": classes[0].numpy(), "masks": masks[0].numpy()}


class Fixed(torch.nn.Module):
    """Answers always the same."""

    def __init__(self, *answer: torch.Tensor) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return self.answer


def judge(raw: Raw, reply: Reply) -> Deviation:
    return Expectation.of(raw, (61, 64), (64, 64), TINY, STRICT).deviation(reply)


def test_the_models_own_answer_is_what_it_expects() -> None:
    found = judge(raw_outputs(), reply_to(raw_outputs()))
    assert found.is_within(STRICT)
    assert (found.instances, found.undecided, found.unmatched) == (6, 0, 0)


def drop(reply: Reply) -> None:
    reply["classes"][2], reply["scores"][2] = NO_INSTANCE, 0


def repeat(reply: Reply) -> None:
    for array in reply.values():
        array[1] = array[0]


def confuse(reply: Reply) -> None:
    reply["classes"][0] = 1


def overrate(reply: Reply) -> None:
    reply["scores"][3] += 0.001


def lose_a_cell(reply: Reply) -> None:
    reply["masks"][4, 5, 5] = 255 - reply["masks"][4, 5, 5]


def exchange_masks(reply: Reply) -> None:
    reply["masks"][[0, 1]] = reply["masks"][[1, 0]]


def forget(reply: Reply) -> None:
    reply["classes"][:] = NO_INSTANCE


def answer_with_nan(reply: Reply) -> None:
    reply["scores"][:] = np.nan


@pytest.mark.parametrize(
    "damage", [drop, repeat, confuse, overrate, lose_a_cell, exchange_masks, forget, answer_with_nan]
)
def test_what_is_wrong_is_never_forgiven(damage: Callable[[Reply], None]) -> None:
    reply = reply_to(raw_outputs())
    damage(reply)
    assert not judge(raw_outputs(), reply).is_within(STRICT)


def test_a_flat_mask_at_the_threshold_may_fall_on_either_side_but_not_move() -> None:
    raw = raw_outputs(mask_noise=0)
    for shift, is_alike in ((1e-3, True), (-1e-3, True), (0.01, False), (-0.01, False)):
        moved = {**raw, "pred_masks": raw["pred_masks"] + shift}
        reply = reply_to(moved)
        assert (reply["masks"] > 128).all() == (shift > 0)  # every pixel of every mask flips
        assert (reply["scores"] > 0).all() == (shift > 0)  # and the scores with them
        assert judge(raw, reply).is_within(STRICT) == is_alike


def test_an_instance_at_the_score_threshold_may_be_missing_and_one_above_may_not() -> None:
    raw = raw_outputs()
    for margin, may_be_missing in ((5e-5, True), (5e-4, False)):
        # sqrt(p / 2) is the class score, as the objectness is one half.
        probability = torch.tensor(2 * (TINY.score_threshold + margin) ** 2)
        raw["pred_logits"][0] = torch.tensor([float(torch.logit(probability)), -30.0, -30.0])
        reply = reply_to(raw)
        slot = int(np.argmin(reply["scores"]))
        reply["classes"][slot], reply["scores"][slot] = NO_INSTANCE, 0
        found = judge(raw, reply)
        assert (found.is_within(STRICT), found.undecided) == (may_be_missing, int(may_be_missing))


def test_of_two_classes_that_nearly_tie_either_is_right() -> None:
    for margin, is_a_tie in ((1e-4, True), (1e-2, False)):
        raw = raw_outputs()
        raw["pred_logits"][5] = torch.tensor([1.0, 1.0 - margin, -5.0])
        reply = reply_to(raw)
        slot = int(np.argmax(reply["scores"]))
        assert reply["classes"][slot] == 0
        reply["classes"][slot] = 1
        assert judge(raw, reply).is_within(STRICT) == is_a_tie
        reply["classes"][slot] = 2
        assert not judge(raw, reply).is_within(STRICT)

"""The plan of a run: its arithmetic, its refusals, its JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sparseinst.config import RunConfig
from sparseinst.errors import ConfigError
from sparseinst.training.plan.checks import Check
from sparseinst.training.plan.make import plan_training
from sparseinst.training.plan.memory import USABLE, Situation, estimate_memory
from sparseinst.training.plan.plan import Plan, require_fit
from sparseinst.training.plan.prices import Gpu, Prices, load_prices
from tests.training.plan.small import gpu, small_run, table

BIG, OLD, TOY = gpu("Big", bf16_tflops=80), gpu("Old", usd_per_hour=0.5), gpu("Toy", memory_gb=0.5)


def plan(config: RunConfig | None = None, *, prices: Prices | None = None, **options: Any) -> Plan:
    data = {"images": 500, "num_classes": 3, "largest_objects": 4, "gpus": 2, **options}
    return plan_training(config or small_run(), prices=prices or table(BIG, OLD), **data)


def holding(images: int) -> Gpu:
    """A GPU that so many images of one rank fit, and no more."""
    situation = Situation(config=small_run(), num_classes=3, largest_objects=4, ranks=2)
    return gpu("Part", memory_gb=(estimate_memory(situation, images).total / USABLE + 2) / 1e9)


def checks_of(found: Plan, kind: str) -> list[Check]:
    return [check for check in found.checks if check.kind == kind]


def test_steps_epochs_and_shares():
    found = plan(nodes=2)
    assert (found.iterations, found.batch_size, found.images, found.epochs) == (1000, 16, 500, 32.0)
    assert (found.gpus, found.nodes, found.ranks, found.share) == (2, 2, 4, 4)
    assert (found.micro_batch, found.accumulation) == (4, 1)
    assert (found.height, found.width) == (128, 128)
    assert found.checks == ()


def test_without_a_data_set_there_are_no_epochs():
    assert plan(images=None).epochs is None


def test_hours_and_money_follow_from_the_seconds():
    found = plan(nodes=3, gpus=1, config=small_run(batch_size=18))
    row = found.row("Old")
    assert row.seconds_per_step is not None and row.hours is not None
    assert row.hours == pytest.approx(row.seconds_per_step * 1000 / 3600)
    assert row.usd == pytest.approx(row.hours * 3 * 0.5)
    assert row.precision == "fp32"


def test_ranks_share_the_work():
    one, four = plan(gpus=1), plan(gpus=4)
    assert one.flops_per_step == four.flops_per_step
    seconds = one.row("Big").seconds_per_step
    assert seconds is not None
    assert four.row("Big").seconds_per_step == pytest.approx(seconds / 4, rel=0.1)  # weights are moved by each rank


def test_a_micro_batch_of_ones_own_is_kept():
    found = plan(small_run(micro_batch=2))
    assert (found.micro_batch, found.accumulation) == (2, 4)
    assert found.memory == plan(small_run(batch_size=4, reference_batch=4)).memory
    assert [(row.micro_batch, row.accumulation) for row in found.table] == [(2, 4), (2, 4)]
    assert [row.largest_micro_batch for row in found.table] == [8, 8]


def test_a_gpu_that_holds_part_of_a_share_computes_it_in_parts():
    found = plan(prices=table(holding(5)), gpu="part")
    row = found.row("Part")
    assert (row.fits, row.largest_micro_batch, row.micro_batch, row.accumulation) == (True, 4, 4, 2)
    assert (found.micro_batch, found.accumulation) == (4, 2)
    assert found.memory.total <= 0.9 * row.memory_bytes < plan().memory.total
    require_fit(found, "part")


def test_a_batch_that_ranks_cannot_share_is_refused():
    (refusal,) = plan(gpus=3).refusals
    assert "16 images cannot be shared by 3 ranks" in refusal.problem
    assert "train.batch_size=15" in refusal.fix
    (refusal,) = plan(gpus=20).refusals
    assert "train.batch_size=20" in refusal.fix


def test_a_micro_batch_that_does_not_divide_a_share_is_refused():
    (refusal,) = plan(small_run(micro_batch=3)).refusals
    assert "8 images of a rank (16 over 2 ranks) cannot come in parts of 3" in refusal.problem
    assert "train.micro_batch=2" in refusal.fix
    (refusal,) = plan(small_run(micro_batch=32)).refusals
    assert "train.micro_batch=8" in refusal.fix


def test_a_gpu_that_cannot_hold_one_image_is_refused_when_it_is_asked_for():
    found = plan(prices=table(BIG, TOY), gpu="Toy")
    row = found.row("toy")
    assert not row.fits
    assert (row.largest_micro_batch, row.micro_batch, row.accumulation) == (0, 0, 0)
    assert (row.seconds_per_step, row.hours, row.usd) == (None, None, None)
    (refusal,) = found.refusals
    assert "Toy: One image of 128 x 128 pixels at a time needs about 0.7 GB" in refusal.problem
    assert plan(prices=table(BIG, TOY)).refusals == ()


def test_where_no_gpu_can_do_it_the_largest_says_why():
    (refusal,) = plan(prices=table(TOY, gpu("Small", memory_gb=0.6))).refusals
    assert refusal.problem.startswith("No GPU of the table can do it. Small: One image")


def test_a_micro_batch_that_is_too_large_for_a_gpu_is_refused_with_one_that_fits():
    found = plan(small_run(micro_batch=8), prices=table(holding(5)), gpu="Part")
    row = found.row("Part")
    assert "8 images at a time need about 0.7 GB" in row.problem
    assert "train.micro_batch=4" in row.fix
    assert (row.fits, row.largest_micro_batch, row.micro_batch) == (False, 4, 0)
    assert [refusal.problem for refusal in found.refusals] == [row.problem]


def test_a_gpu_without_units_for_the_precision_is_refused():
    found = plan(small_run(precision="bf16"), gpu="Old")
    (refusal,) = found.refusals
    assert refusal == Check("refusal", "Old has no units for bf16.", "train.precision=fp16")
    assert found.row("Big").precision == "bf16"
    with pytest.raises(ConfigError, match="Old has no units for bf16"):
        require_fit(found, "Old")
    require_fit(plan(small_run(precision="bf16")), "Big")


def test_more_objects_than_queries_are_a_warning():
    (warning,) = checks_of(plan(largest_objects=9), "warning")
    assert "9 objects, the model has 6 queries" in warning.problem
    assert warning.fix == "model.num_masks=9"


def test_a_learning_rate_that_never_falls_is_a_warning_for_a_step_schedule():
    (warning,) = checks_of(plan(small_run(lr_steps=(800, 1000))), "warning")
    assert "falls at 1000, after the last step (1000)" in warning.problem
    assert "train.lr_steps=[778, 926]" in warning.fix
    assert plan(small_run(lr_steps=(1000,), schedule="cosine")).checks == ()


def test_a_batch_below_the_recipes_is_a_loud_warning_with_what_it_costs():
    (warning,) = checks_of(plan(small_run(reference_batch=64)), "warning")
    assert warning.problem.startswith("A STEP HAS 16 IMAGES, THE RECIPE IS FOR 64.")
    for figure in ("33.4 with 64", "30.4 with 16", "27.0 with 8", "issue #103"):
        assert figure in warning.problem
    assert "train.batch_size=64" in warning.fix
    assert "gradients add up" in warning.fix


def test_require_fit_says_problem_place_and_fix_and_all_that_is_in_the_way():
    found = plan(small_run(precision="bf16"), gpus=3, gpu="Old")
    with pytest.raises(ConfigError) as caught:
        require_fit(found, "old")
    error = caught.value
    assert error.exit_code == 2
    assert (error.problem, error.where, error.fix) == (
        "Old has no units for bf16.",
        "tiny on Old",
        "train.precision=fp16",
    )
    assert len(error.details) == 1
    assert "cannot be shared by 3 ranks" in error.details[0]


def test_a_gpu_that_is_not_in_the_table_is_a_mistake():
    with pytest.raises(ConfigError, match="There is no GPU 'Bog'"):
        plan(gpu="Bog")
    with pytest.raises(ConfigError, match="There is no GPU 'Bog' in the plan") as caught:
        require_fit(plan(), "Bog")
    assert "Did you mean 'Big'?" in caught.value.fix


def test_a_plan_survives_json():
    found = plan(gpu="Big")
    values = found.to_dict()
    assert json.loads(json.dumps(values)) == values
    assert values["memory"]["total"] == found.memory.total
    assert values["table"][0]["name"] == "Big"
    assert values["checks"] == []


def test_every_gpu_of_the_table_that_comes_along_gets_a_row():
    prices = load_prices()
    found = plan(prices=prices)
    assert [row.name for row in found.table] == [each.name for each in prices.gpus]
    assert all(row.usd for row in found.table)

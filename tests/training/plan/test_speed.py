"""The time of a step."""

from __future__ import annotations

import pytest

from sparseinst.config import load_config
from sparseinst.training.plan.network_cost import Line, NetworkCost, network_cost
from sparseinst.training.plan.prices import load_prices
from sparseinst.training.plan.sizes import mean_pixels
from sparseinst.training.plan.speed import PUBLISHED_SECONDS, seconds_per_step
from tests.training.plan.small import gpu

COST = NetworkCost(0, 0, *(Line(0, 1e12),) * 5, is_half=False)


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_the_published_steps_take_what_was_published(precision: str):
    config = load_config("sparse_inst_r50_giam", [f"train.precision={precision}"])
    size = (640, 864)
    network = network_cost(config.model, 80, precision != "fp32", 0, size)
    scale = mean_pixels(config.input, images=8) / (size[0] * size[1])
    seconds = seconds_per_step(
        load_prices().gpu("RTX 3090"), network, config.train.precision, micro_batch=8, parts=1, scale=scale
    )
    assert seconds == pytest.approx(PUBLISHED_SECONDS[precision], rel=0.03)


def test_time_grows_with_images_parts_and_pixels():
    one = seconds_per_step(gpu(), COST, "fp32", micro_batch=1, parts=1, scale=1.0)
    assert seconds_per_step(gpu(), COST, "fp32", micro_batch=2, parts=1, scale=1.0) == pytest.approx(2 * one)
    assert seconds_per_step(gpu(), COST, "fp32", micro_batch=1, parts=2, scale=1.0) == pytest.approx(2 * one)
    assert seconds_per_step(gpu(), COST, "fp32", micro_batch=1, parts=1, scale=0.5) == pytest.approx(one / 2)


def test_a_gpu_with_quicker_units_or_memory_takes_less():
    slow = seconds_per_step(gpu(), COST, "fp32", micro_batch=1, parts=1, scale=1.0)
    assert seconds_per_step(gpu(tf32_tflops=100), COST, "fp32", micro_batch=1, parts=1, scale=1.0) < slow
    assert seconds_per_step(gpu(bandwidth_gbs=900), COST, "fp32", micro_batch=1, parts=1, scale=1.0) < slow

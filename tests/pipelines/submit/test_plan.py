import dataclasses

import pytest

from pipelines.platform.preset import load_preset, preset_names
from pipelines.submit.compiled import read_compiled
from pipelines.submit.cost import cost_of, total
from pipelines.submit.plan import Demand, demands
from pipelines.submit.prices import Prices, load_prices
from sparseinst.errors import ConfigError

PRICES = Prices(cpu_hour=0.1, memory_gib_hour=0.01, accelerator_hour={"nvidia.com/gpu": "2"}, spot_share=0.5)
STEP = Demand(step="train", cpu="10", memory="100Gi", timeout_minutes=120, retries=2, expected_minutes=60)


def _asked(compiled_once, tmp_path, name):
    preset = load_preset(name)
    asked = demands(read_compiled(compiled_once(preset, tmp_path / "file.yaml")), preset)
    return preset, {demand.step: demand for demand in asked}


@pytest.mark.parametrize("name", preset_names())
def test_what_is_said_of_a_preset_is_what_its_file_asks_for(compiled_once, tmp_path, name):
    preset, asked = _asked(compiled_once, tmp_path, name)
    for step in preset.steps:
        needs, demand = preset.pod_of(step), asked[step]
        assert (demand.cpu, demand.memory, demand.gpus) == (needs.cpu, needs.memory, needs.gpus)
        assert (demand.shm, demand.retries, demand.timeout_minutes) == (needs.shm, needs.retries, needs.timeout_minutes)
        assert dict(demand.node_selector) == dict(needs.node_selector)
        assert len(demand.tolerations) == len(needs.tolerations)


def test_a_training_on_nodes_is_the_step_and_its_nodes(compiled_once, tmp_path):
    preset, asked = _asked(compiled_once, tmp_path, "nodes")
    assert (asked["train"].gpus, asked["train"].nodes) == (0, 1)
    nodes = asked["its nodes"]
    assert (nodes.nodes, nodes.gpus, nodes.cpu) == (2, 8, preset.steps["train"].cpu)


def test_each_step_names_its_secrets_and_volumes(compiled_once, tmp_path):
    _, asked = _asked(compiled_once, tmp_path, "gpu8")
    assert asked["deploy"].secrets == ("sparseinst-s3-deploy", "sparseinst-triton-key (optional)")
    assert asked["train"].volumes == ("sparseinst-workspace at /workspace",)
    assert asked["train"].tolerations == ("nvidia.com/gpu",)
    _, asked = _asked(compiled_once, tmp_path, "spot")
    assert not any("sparseinst-workspace" in volume for volume in asked["train"].volumes), "its folder is in S3"


def test_a_step_costs_what_it_asks_for_as_long_as_it_runs():
    cost = cost_of(STEP, PRICES)
    assert cost.expected == pytest.approx(10 * 0.1 + 100 * 0.01)
    assert cost.most == pytest.approx(3 * 2 * cost.expected), "three tries of two hours"


def test_gpus_nodes_and_spot_are_in_the_price():
    gpus = dataclasses.replace(STEP, gpus=8, accelerator="nvidia.com/gpu")
    assert cost_of(gpus, PRICES).expected == pytest.approx(2 + 16)
    assert cost_of(dataclasses.replace(gpus, nodes=2), PRICES).expected == pytest.approx(36)
    spot = dataclasses.replace(gpus, node_selector={"cloud.google.com/gke-spot": "true"})
    assert cost_of(spot, PRICES).expected == pytest.approx(9)


def test_without_a_time_limit_there_is_no_most():
    endless = dataclasses.replace(STEP, timeout_minutes=0)
    assert cost_of(endless, PRICES).most is None
    assert total([cost_of(STEP, PRICES), cost_of(endless, PRICES)]).most is None


def test_an_accelerator_without_a_price_is_named_and_not_guessed():
    other = dataclasses.replace(STEP, gpus=1, accelerator="amd.com/gpu")
    cost = total([cost_of(STEP, PRICES), cost_of(other, PRICES)])
    assert cost.unknown == ("amd.com/gpu",)
    assert cost.expected == pytest.approx(4)


def test_half_a_cpu_costs_half():
    assert cost_of(Demand(step="s", cpu="500m", expected_minutes=60), PRICES).expected == pytest.approx(0.05)


def test_the_prices_that_come_along_say_when_and_where_they_are_from():
    prices = load_prices(None)
    assert prices.date and prices.source and prices.currency
    assert prices.of_accelerator("nvidia.com/gpu") > 0


def test_prices_of_ones_own_are_read_and_a_wrong_one_is_refused(tmp_path):
    (tmp_path / "mine.yaml").write_text("currency: EUR\ncpu_hour: 0.05\naccelerator_hour: {amd.com/gpu: 1.5}\n")
    mine = load_prices(tmp_path / "mine.yaml")
    assert (mine.currency, mine.cpu_hour, mine.of_accelerator("amd.com/gpu")) == ("EUR", 0.05, 1.5)
    (tmp_path / "mine.yaml").write_text("accelerator_hour: {amd.com/gpu: cheap}\n")
    with pytest.raises(ConfigError, match="cheap"):
        load_prices(tmp_path / "mine.yaml")
    (tmp_path / "mine.yaml").write_text("cpu_houre: 1\n")
    with pytest.raises(ConfigError, match="cpu_houre"):
        load_prices(tmp_path / "mine.yaml")

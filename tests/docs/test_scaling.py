"""docs/scaling.md has the figures that its scripts give, and these start from what the project says of itself."""

import json
import re
from dataclasses import fields

import numpy as np
import pytest

from benchmarks.scaling.autoscaler import read_autoscaler
from benchmarks.scaling.draw import draw
from benchmarks.scaling.inputs import DEFAULT, read_inputs
from benchmarks.scaling.loops import poisson_times
from benchmarks.scaling.queueing import busy_at, erlang_c, mean_wait
from benchmarks.scaling.serving import serving_rows
from benchmarks.scaling.tables import MEASURED, TABLES, fill_page
from benchmarks.scaling.training import exchange_ms, training_rows
from sparseinst.config import load_config
from sparseinst.errors import ConfigError
from sparseinst.export.contract import COMPACT_REPLY, FULL_REPLY, OUTPUTS
from sparseinst.export.repository import VARIANTS
from sparseinst.model.network import build_model
from sparseinst.training.plan.make import plan_training
from sparseinst.training.plan.prices import load_prices
from tests.conftest import ROOT

PAGE = ROOT / "docs" / "scaling.md"
RESULTS = ROOT / "benchmarks" / "results"
FIGURES = json.loads((RESULTS / "scaling-cpu-intel-xeon.json").read_text())
INPUTS = read_inputs()
MODEL = "sparse_inst_r50_giam"


def test_the_pages_tables_are_those_of_the_scripts():
    page = PAGE.read_text()
    assert set(re.findall(r"<!-- table: (\w+) -->", page)) == {*TABLES, *MEASURED}
    assert page == fill_page(page, INPUTS, FIGURES)


def test_the_picture_is_drawn_from_the_measured_figures():
    assert (ROOT / "docs" / "pictures" / "scaling.svg").read_text() == draw(FIGURES)


def test_links_to_other_pages_lead_somewhere():
    targets = [target.partition("#")[0] for target in re.findall(r"\]\(([^)#:]+[^):]*)\)", PAGE.read_text())]
    assert targets
    assert [target for target in targets if not (ROOT / "docs" / target).exists()] == []


def test_the_calculation_starts_from_the_model_and_the_recipe_that_there_are():
    network = build_model(MODEL, num_classes=80)
    assert INPUTS.model.parameters == sum(parameter.numel() for parameter in network.parameters())
    train = load_config(MODEL).train
    assert (INPUTS.training.batch_size, INPUTS.training.iterations) == (train.batch_size, train.iterations)
    loader = json.loads((RESULTS / "loader-cpu-amd-epyc.json").read_text())
    assert INPUTS.training.loader_ms == round(loader["milliseconds"]["example, in a worker process"], 2)


def test_replies_weigh_what_the_contract_makes_of_them():
    def size(names: tuple[str, ...]) -> int:
        grid = iter((160, 160))
        specs = [spec for spec in OUTPUTS if spec.name in names]
        shapes = [[next(grid) if side < 0 else side for side in spec.shape(100)] for spec in specs]
        return sum(
            int(np.prod(shape)) * np.dtype(spec.dtype).itemsize for spec, shape in zip(specs, shapes, strict=True)
        )

    few = 2000  # scores, classes and the fingerprint, which the page leaves out
    assert 0 <= size(FULL_REPLY) - INPUTS.replies.full < few
    assert 0 <= size(COMPACT_REPLY) - INPUTS.replies.compact < few


def test_prices_and_the_time_of_a_step_are_the_plans():
    prices = load_prices()
    assert INPUTS.training.usd_gpu_hour == prices.gpu("A100-80").usd_per_hour
    assert INPUTS.serving.usd_replica_hour == prices.gpu("L4").usd_per_hour
    plan = plan_training(
        load_config(MODEL), images=117_266, num_classes=80, largest_objects=None, gpus=8, prices=prices, gpu="A100-80"
    )
    step_s = next(row.seconds_per_step for row in plan.table if row.name == "A100-80")
    assert step_s == pytest.approx(INPUTS.training.step_s, rel=0.05)


def test_a_replica_is_the_exports_and_as_busy_as_the_autoscaler_wants_it():
    served = VARIANTS["gpu"]
    assert (INPUTS.serving.instances, INPUTS.serving.patience_s) == (served.instances, served.patience / 1e6)
    assert read_autoscaler().targets["sparseinst_busy"] == INPUTS.serving.busy


def test_waits_are_the_textbooks():
    assert erlang_c(1, 0.8) == pytest.approx(0.8)  # of one executor: as often as it is busy
    assert erlang_c(2, 0.5) == pytest.approx(1 / 3)  # load 1
    assert mean_wait(1, 0.5, spread=1) == pytest.approx(1.0)  # M/M/1: busy / (1 - busy)
    assert mean_wait(1, 0.5, spread=0) == pytest.approx(0.5)  # M/D/1: half of it
    for wait in (0.1, 1, 10):
        assert mean_wait(3, busy_at(3, wait, 0.4), 0.4) == pytest.approx(wait, rel=1e-3)


def test_requests_come_at_random_times_with_the_rate_that_was_asked_for():
    times = np.array(poisson_times(50, 5000, seed=1))
    gaps = np.diff(times)
    assert 1 / gaps.mean() == pytest.approx(50, rel=0.05)
    assert gaps.std() == pytest.approx(gaps.mean(), rel=0.1)
    assert list(times) == poisson_times(50, 5000, seed=1)


def test_the_servers_measured_wait_lies_near_the_formula():
    for name, spread in (("pauses alike", 0.0), ("pauses random", 1.0)):
        found = FIGURES[name]
        for row in found["open"]:
            busy = row["offered"] * row["compute_ms"] / 1000 / found["executors"]
            if 0.5 < busy < 0.85:  # below, milliseconds of the machine count; above, one run says little
                expected = row["compute_ms"] * mean_wait(found["executors"], busy, spread)
                assert 0.5 < row["queue_ms"] / expected < 2, (name, busy)


def test_a_ring_of_two_moves_the_bytes_once():
    assert exchange_ms(10**9, 2, 1, nvlink_gb=1, node_gb=1) == pytest.approx(1000)
    assert exchange_ms(10**9, 1, 1, nvlink_gb=1, node_gb=1) == 0
    assert exchange_ms(10**9, 4, 2, nvlink_gb=1, node_gb=1) == pytest.approx(2000)


def test_more_gpus_make_the_same_epochs_in_less_time():
    rows = training_rows(INPUTS)
    assert len({row.batch_size * row.iterations for row in rows}) == 1
    hours = [row.hours for row in rows]
    assert hours == sorted(hours, reverse=True)


def test_a_lost_zone_leaves_as_many_replicas_as_are_needed():
    for row in serving_rows(INPUTS):
        zones = INPUTS.serving.zones
        assert row.replicas_with_spare % zones == 0
        assert row.replicas_with_spare * (zones - 1) // zones >= row.replicas


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  images_s: 44.6", "  images_s: many", "'many' is not a number"),
        ("  images_s: 44.6", "  image_s: 44.6", "images_s: missing"),
        ("replies:", "answers:", "replies: full, compact, json: missing"),
    ],
)
def test_inputs_that_make_no_sense_are_told(tmp_path, old: str, new: str, message: str):
    path = tmp_path / "mine.yaml"
    path.write_text(DEFAULT.read_text().replace(old, new))
    with pytest.raises(ConfigError) as caught:
        read_inputs(path)
    assert message in str(caught.value)


def test_every_input_is_explained_where_it_is_given():
    text = DEFAULT.read_text()
    for section in fields(INPUTS):
        assert f"\n{section.name}:" in text

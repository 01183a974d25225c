"""The gate's doorway: what a pipeline step decides, and what Kubeflow gets of it."""

import json
from types import SimpleNamespace

import pytest

from components.gate.component import gate
from tests.serving.rollout.test_evidence import publish
from tests.serving.run_folder import make_run


@pytest.fixture
def step(tmp_path):
    """Runs the step on a run's folder with what the pipeline gives it; parameters go over that."""

    def run(folder, **parameters):
        given = {"min_ap": 0.5, "policy": {}, "force_by": "", "force_why": ""} | parameters
        return gate.python_func(
            dataset=SimpleNamespace(metadata={"location": str(folder / "dataset")}),
            report=SimpleNamespace(metadata={"location": str(folder / "evaluate")}),
            folder=str(folder),
            model_name="m",
            model_repository=str(tmp_path / "models"),
            triton_url="127.0.0.1:1",
            decision=SimpleNamespace(path=str(tmp_path / "decision"), metadata={}),
            verdict=SimpleNamespace(path=str(tmp_path / "verdict.md")),
            **given,
        )

    return run


def test_the_first_model_passes_and_the_next_is_held_against_it(step, tmp_path):
    first, worse, equal = (make_run(tmp_path / f"run{n}", ap=ap) for n, ap in enumerate((0.6, 0.55, 0.6)))
    assert step(first) == "pass"
    assert json.loads((tmp_path / "decision").read_text())["incumbent"] is None
    publish(first, tmp_path / "models")
    assert step(worse) == "fail"
    assert json.loads((tmp_path / "decision").read_text())["incumbent"]["AP"] == 0.6
    assert step(equal) == "pass"


def test_the_page_of_the_run_says_what_was_asked_found_and_decided(step, tmp_path):
    run = make_run(tmp_path / "run", ap=0.6)
    step(run, policy={"min_ap": 0.7, "max_latency_ms": 100})
    page = (tmp_path / "verdict.md").read_text()
    assert page.startswith("# Gate: fail\n")
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| ")]
    told = {row[0].removeprefix("| "): row[1:4] for row in rows}
    assert told["minimum"] == ["✗ fail", "AP 0.600", "at least 0.700"]
    assert told["latency"][0] == "✓ pass"
    assert told["latency"][2] == "p99 at most 100 ms"
    checks = [reason["check"] for reason in json.loads((tmp_path / "decision").read_text())["reasons"]]
    assert set(checks) <= set(told)


def test_the_policy_goes_over_the_minimum_and_its_rules_count(step, tmp_path):
    run = make_run(tmp_path / "run", ap=0.6)
    assert step(run, policy={"min_ap": 0.7}) == "fail"
    assert step(run, policy={"max_latency_ms": 10}) == "fail"
    assert step(run, policy={"max_latency_ms": 100}) == "pass"


def test_a_forced_pass_is_kept_with_its_name_and_reason(step, tmp_path):
    run = make_run(tmp_path / "run", ap=0.1)
    assert step(run, force_by="Ada", force_why="a trial") == "pass"
    told = json.loads((run / "gate" / "gate.json").read_text())["forced"]
    assert (told["by"], told["why"], told["instead_of"]) == ("Ada", "a trial", "fail")


@pytest.mark.parametrize("wrong", [{"policy": {"min_app": 1}}, {"force_by": "Ada"}, {"min_ap": 7.0}])
def test_a_wrong_setting_ends_the_step_with_2_and_words(step, tmp_path, capsys, wrong):
    with pytest.raises(SystemExit) as ended:
        step(make_run(tmp_path / "run"), **wrong)
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("error: ")

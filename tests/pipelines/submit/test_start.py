import pytest

from pipelines.submit.errors import KubeflowAway
from pipelines.submit.start import run_name
from tests.pipelines.submit.kfp_api.server import Accident
from tests.pipelines.submit.kfp_api.wire import AWAY, Answer, Refusal

_RUNS = "/apis/v2beta1/runs"


def test_the_run_has_the_version_the_parameters_the_account_and_the_experiment(api, start):
    run = api.runs.runs[start()]
    assert run["display_name"] == "a-run"
    assert run["runtime_config"]["parameters"] == {"seed": 3}
    assert run["service_account"] == "sparseinst-steps"
    assert run["pipeline_version_reference"] == {"pipeline_id": "pipeline-1", "pipeline_version_id": "version-1"}
    assert api.runs.experiments[run["experiment_id"]]["display_name"] == "tests"


def test_an_experiment_is_made_once(api, start):
    start(), start()
    assert len(api.runs.experiments) == 1


@pytest.mark.parametrize("answer", [None, Refusal(AWAY, "connection error").answer], ids=["broken", "503"])
def test_a_run_whose_answer_was_lost_is_found_and_not_started_again(api, start, answer):
    api.accidents.append(Accident(_RUNS, times=1, answer=answer, after=True, method="POST"))
    assert start() == "run-1"
    assert len(api.runs.runs) == 1


def test_a_run_that_never_was_is_told(api, start):
    api.accidents.append(Accident(_RUNS, times=1, answer=Answer(502, "<html>bad gateway</html>"), method="POST"))
    with pytest.raises(KubeflowAway, match="502"):
        start()
    assert not api.runs.runs


def test_no_two_runs_have_the_same_name():
    names = {run_name("gpu8", 0.0) for _ in range(20)}
    assert len(names) > 1
    assert all(name.startswith("sparseinst-gpu8-") for name in names)

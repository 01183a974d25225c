import io
import logging

import pytest

from pipelines.run.record import State
from pipelines.submit.errors import StillRunning
from pipelines.submit.follow import Watch, follow, look_once
from sparseinst.errors import ClusterError
from tests.pipelines.submit.kfp_api.server import Accident
from tests.pipelines.submit.kfp_api.wire import AWAY, INTERNAL, UNKNOWN_USER, Answer, Refusal
from tests.pipelines.submit.kfp_api.workflow import Fate

_RUN = "/apis/v2beta1/runs/run-1"


@pytest.fixture
def watch(kubeflow, compiled, pace, caplog):
    """Follows a run, and gives the last look at it."""
    caplog.set_level(logging.INFO)
    return lambda run_id, timeout_s=0.0: follow(kubeflow, run_id, compiled, pace, timeout_s)


def _told(caplog, step):
    return [record.message for record in caplog.records if record.name == f"sparseinst.{step}"]


def test_each_change_of_a_step_is_told_once(start, watch, caplog):
    look = watch(start())
    assert look.state == "SUCCEEDED"
    assert _told(caplog, "train") == ["running", "succeeded after 2 min 0 s"]
    assert _told(caplog, "finish") == ["running", "succeeded after 2 min 0 s"]


def test_a_look_has_every_step_with_its_state_and_time(api, start, watch):
    look = watch(start())
    assert {step.state for step in look.steps} == {State.SUCCEEDED}
    assert {step.seconds for step in look.steps} == {120.0}


def test_a_step_that_is_tried_again_says_so_before_it_says_that_it_failed(api, start, watch, caplog):
    api.runs.fates = {"ingest": Fate("fail", attempts=3)}
    watch(start())
    told = [line for line in _told(caplog, "ingest") if "waits for its pod" not in line]
    again = ["is tried again: attempt 2 of 3", "is tried again: attempt 3 of 3"]
    assert told == ["running", *again, "failed after 6 min 0 s"]


def test_an_answer_from_the_cache_is_told_as_one(api, start, watch, caplog):
    api.runs.fates = {"train": Fate("cached"), "evaluate": Fate("cached")}
    look = watch(start())
    assert [step.state for step in look.steps][:4] == [State.SUCCEEDED, State.CACHED, State.CACHED, State.SUCCEEDED]


@pytest.mark.parametrize(
    "answer",
    [
        Refusal(AWAY, "no healthy upstream").answer,
        Refusal(INTERNAL, "database is locked").answer,
        Answer(502, "<html>Bad Gateway</html>", {"Content-Type": "text/html"}),
        Answer(429, "slow down", {"Retry-After": "30"}),
        None,
    ],
    ids=["503", "500", "502 page", "429", "broken connection"],
)
def test_a_run_is_not_lost_because_the_api_goes_away(api, start, watch, caplog, answer):
    run_id = start()
    api.accidents.append(Accident(_RUN, times=6, answer=answer))
    before = api.clock.now
    assert watch(run_id).state == "SUCCEEDED"
    told = _told(caplog, "kubeflow")
    assert len([line for line in told if "Asking again in" in line]) == 6
    assert "Kubeflow answers again" in told
    assert api.clock.now > before


def test_a_server_that_says_how_long_to_wait_is_heard(api, start, watch, caplog):
    run_id = start()
    api.accidents.append(Accident(_RUN, times=1, answer=Answer(429, "", {"Retry-After": "45"})))
    watch(run_id)
    assert "Asking again in 45 s" in _told(caplog, "kubeflow")[0]


def test_after_half_an_hour_of_silence_we_give_up_and_say_how_to_look_again(api, start, watch):
    run_id = start()
    api.accidents.append(Accident(_RUN, times=1000))
    before = api.clock.now
    with pytest.raises(ClusterError) as gone:
        watch(run_id)
    assert 1500 < api.clock.now - before <= 1800
    assert "The run goes on" in gone.value.fix
    assert f"FOLLOW={run_id}" in gone.value.fix


def test_a_token_that_ends_while_we_wait_is_told_with_how_to_look_again(api, start, watch):
    run_id = start()
    api.accidents.append(Accident(_RUN, times=1000, answer=Refusal(UNKNOWN_USER, "token expired").answer))
    with pytest.raises(ClusterError) as refused:
        watch(run_id)
    assert "KFP_TOKEN" in refused.value.fix
    assert f"FOLLOW={run_id}" in refused.value.fix


@pytest.mark.parametrize("status", [200, 302])
def test_a_login_page_instead_of_the_run_is_not_taken_for_a_run_without_a_state(api, start, watch, status):
    run_id = start()
    page = "<!DOCTYPE html><html>Log in</html>"
    answer = Answer(status, page, {"Content-Type": "text/html", "Location": "/apis/v2beta1/healthz"})
    api.accidents.append(Accident(_RUN, times=1000, answer=answer))
    with pytest.raises(ClusterError, match="login page"):
        watch(run_id)


def test_who_waits_only_so_long_is_told_that_the_run_goes_on(api, start, watch):
    api.runs.fates = {"train": Fate("stay-running")}
    run_id = start()
    with pytest.raises(StillRunning) as left:
        watch(run_id, timeout_s=600)
    assert left.value.exit_code == 124
    assert f"FOLLOW={run_id}" in left.value.fix
    assert not api.sent("POST", f"/runs/{run_id}:terminate")


def test_a_step_that_waits_for_a_machine_says_once_what_it_waits_for(api, start, watch, caplog):
    api.runs.fates = {"train": Fate("stay-pending")}
    with pytest.raises(StillRunning):
        watch(start(), timeout_s=1200)
    waits = [line for line in _told(caplog, "train") if "waits for its pod" in line]
    assert waits == ["waits for its pod: Unschedulable: 0/5 nodes are available: 5 Insufficient nvidia.com/gpu."]


def test_where_nobody_says_what_a_step_waits_for_nothing_is_made_up(api, start, watch, caplog):
    api.runs.fates, api.ui = {"train": Fate("stay-pending")}, False
    with pytest.raises(StillRunning):
        watch(start(), timeout_s=1200)
    assert _told(caplog, "train") == ["running"]


def test_a_paused_run_is_told_and_waited_for(api, start, watch, caplog):
    run_id = start()
    api.runs.runs[run_id]["state"] = "PAUSED"
    with pytest.raises(StillRunning):
        watch(run_id, timeout_s=300)
    assert _told(caplog, "kubeflow").count("the run is paused") == 1


def test_a_run_that_somebody_terminated_is_canceled_though_its_workflow_failed(api, start, watch, kubeflow, caplog):
    api.runs.fates = {"train": Fate("stay-running")}
    run_id = start()
    with pytest.raises(StillRunning):
        watch(run_id, timeout_s=300)
    kubeflow.sdk.terminate_run(run_id)
    assert watch(run_id).state == "CANCELED"


def test_an_api_that_says_nothing_of_tasks_is_no_error(api, start, compiled, kubeflow, pace):
    run_id = start()
    look = look_once(kubeflow, run_id, compiled, pace)
    api.accidents.append(Accident(_RUN, times=1, answer=Answer(body={**api.runs.runs[run_id], "state": "SUCCEEDED"})))
    look = look_once(kubeflow, run_id, compiled, pace)
    assert look.is_silent
    assert {step.state for step in look.steps} == {State.NOT_RUN}


class _Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_also_shows_what_runs_now(api, start, compiled, kubeflow, pace):
    run_id = start()
    screen = _Terminal()
    watch = Watch(compiled, kubeflow, screen)
    for _ in range(4):
        watch.tell(look_once(kubeflow, run_id, compiled, pace))
        watch.clear()
    assert "1 of 7 steps done; train" in screen.getvalue()
    assert screen.getvalue().endswith("\x1b[2K"), "nothing is left when something else is written"

"""What became of a run: the steps' own words first, Kubeflow's where there are none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sparseinst.errors import Preempted, TrainingError
from sparseinst.finish.story import RunStory, State, tell
from sparseinst.workspace.journal import read_journals

Steps = Callable[..., str]
ALL = ("ingest", "train", "evaluate", "gate", "export", "deploy")
BAD = TrainingError("The loss is not finite.", where="iteration 12", fix="Lower train.lr.", details=["image 7"])


def story(folder: str, said: str = "SUCCEEDED", message: str = "") -> RunStory:
    return tell("run-1", read_journals(folder), said, message)


@pytest.mark.parametrize("said", ["SUCCEEDED", "COMPLETE", "RUNNING", ""])  # RUNNING: kubeflow/pipelines#11979
def test_a_run_whose_steps_all_succeeded_has_succeeded_whatever_kubeflow_calls_it(steps: Steps, said: str) -> None:
    found = story(steps(*ALL), said)
    assert found.state is State.SUCCEEDED
    assert [step.name for step in found.steps] == list(ALL)
    assert found.facts("deploy")["version"] == 4
    assert found.seconds is not None and found.seconds >= 0


def test_the_step_that_failed_is_named_with_its_own_error_and_exit_code(steps: Steps) -> None:
    found = story(steps("ingest", "train", train=BAD), "FAILED")
    assert (found.state, found.failed_step and found.failed_step.name) == (State.FAILED, "train")
    assert found.failed_step and found.failed_step.exit_code == 4
    assert found.error == {
        "problem": "The loss is not finite.",
        "where": "iteration 12",
        "fix": "Lower train.lr.",
        "details": ["image 7"],
    }


def test_an_attempt_that_failed_is_no_failure_where_the_next_one_succeeded(steps: Steps) -> None:
    steps("ingest", "train", train=Preempted("Stopped by SIGTERM at iteration 3 of 9; the state is saved."))
    found = story(steps("train", "evaluate", "gate"))
    assert found.state is State.SUCCEEDED
    assert {step.name: step.attempts for step in found.steps}["train"] == 2


def test_a_training_that_was_stopped_is_not_called_broken(steps: Steps) -> None:
    folder = steps("ingest", "train", train=Preempted("Stopped by SIGTERM at iteration 3 of 9; the state is saved."))
    assert story(folder, "FAILED").state is State.STOPPED
    assert story(folder, "CANCELED").state is State.CANCELLED


def test_a_step_that_died_without_a_word_has_failed(steps: Steps) -> None:
    found = story(steps("ingest", "train", train="dies"), "FAILED")
    assert found.state is State.FAILED
    assert "out of memory" in found.error["problem"]


def test_a_refused_gate_is_no_failure_and_no_success(steps: Steps) -> None:
    refused = {"gate": {"decision": "fail", "reasons": ["mask AP 0.1000 is below the minimum 0.5000"]}}
    assert story(steps("ingest", "gate", facts=refused)).state is State.REFUSED


@pytest.mark.parametrize("message", ["", "OCI runtime create failed"])
def test_where_no_step_could_speak_kubeflows_word_is_told(steps: Steps, message: str) -> None:
    found = story(steps("ingest"), "FAILED", message)
    assert (found.state, found.failed_step) == (State.FAILED, None)
    assert found.error["problem"] == message or "could not tell" in found.error["problem"]
    assert "events" in found.error["fix"]


def test_a_run_of_which_nothing_is_known_has_no_steps_and_no_time() -> None:
    found = tell("run-1", {}, "CANCELED")
    assert (found.state, list(found.steps), found.seconds) == (State.CANCELLED, [], None)


def test_the_exit_handlers_own_story_is_not_the_runs(steps: Steps) -> None:
    folder = steps("ingest", "finish", facts={"finish": {}}, finish=RuntimeError("a bug"))
    assert story(folder).state is State.SUCCEEDED


@pytest.mark.parametrize(
    "events", [[{}], [{"event": "end"}], [{"event": "end", "exit_code": "x", "error": 7, "at": 3}]]
)
def test_records_of_another_form_break_nothing(events: list[dict[str, object]]) -> None:
    assert tell("run-1", {"train": events}, "FAILED").state is State.FAILED

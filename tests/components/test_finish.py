"""The exit handler in Kubeflow's own local runner: it runs whatever happened, and changes nothing of it."""

from pathlib import Path

import pytest
from kfp import compiler, dsl

from components.finish.component import finish
from pipelines.run.local import Outcome, run_locally
from pipelines.run.record import State
from sparseinst.finish.webhook import WEBHOOK
from sparseinst.workspace.journal import read_journals

STEPS = ("ingest", "gate", "deploy", "finish")


@dsl.component(base_image="python", install_kfp_package=False)
def act(name: str, folder: str, how: str, after: str = "") -> str:
    import os

    from sparseinst.errors import DatasetError
    from sparseinst.steps import step

    with step(name, folder) as facts:
        if how == "dataset-error":
            raise DatasetError("12 annotations name no image.", where="train.json", fix="Delete them.")
        if how == "killed":
            os.kill(os.getpid(), 9)
        facts.update(decision=how, reasons=["because"], after=after)
    return how


@dsl.pipeline(name="with-an-end")
def with_an_end(workspace: str, ingest: str = "pass", gate: str = "pass", deploy: str = "pass") -> None:
    end = finish(workspace=workspace, run_id=dsl.PIPELINE_JOB_ID_PLACEHOLDER, run_page="https://kubeflow.example/{run}")
    with dsl.ExitHandler(end, name="run"):
        data = act(name="ingest", folder=workspace, how=ingest)
        verdict = act(name="gate", folder=workspace, how=gate, after=data.output)
        with dsl.If(verdict.output == "pass"):
            act(name="deploy", folder=workspace, how=deploy)


def run(folder: Path, **how: str) -> tuple[Outcome, str]:
    """The run's outcome, and the page that its end wrote."""
    outcome = run_locally(with_an_end, {"workspace": str(folder / "run"), **how}, STEPS, folder)
    (page,) = (folder / "kfp").glob("**/finish/**/summary")
    return outcome, page.read_text()


@pytest.fixture(autouse=True)
def no_webhook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(WEBHOOK, raising=False)


def test_after_a_good_run_it_tells_its_story(tmp_path: Path) -> None:
    outcome, page = run(tmp_path)
    assert outcome.exit_code == 0
    assert {step.state for step in outcome.steps} == {State.SUCCEEDED}
    assert page.startswith("# Run succeeded after ")
    assert "https://kubeflow.example/" in page and "{run}" not in page
    assert read_journals(str(tmp_path / "run"))["finish"][-1]["facts"] == {"state": "succeeded"}


@pytest.mark.parametrize("name", ["ingest", "deploy"])
def test_after_a_step_that_failed_the_run_still_ends_with_that_steps_exit_code(tmp_path: Path, name: str) -> None:
    outcome, page = run(tmp_path, **{name: "dataset-error"})
    assert outcome.exit_code == 3
    states = {step.name: step.state for step in outcome.steps}
    assert (states[name], states["finish"]) == (State.FAILED, State.SUCCEEDED)
    assert page.startswith(f"# Run failed in {name} after ")
    assert "**12 annotations name no image.**\n\n- where: train.json\n- fix: Delete them.\n" in page


def test_after_a_step_that_was_killed_it_says_that_nothing_was_said(tmp_path: Path) -> None:
    outcome, page = run(tmp_path, gate="killed")
    assert outcome.exit_code == 1
    assert page.startswith("# Run failed in gate")
    assert "ended without a word" in page


def test_a_refused_gate_is_told_as_what_it_is(tmp_path: Path) -> None:
    outcome, page = run(tmp_path, gate="fail")
    assert outcome.exit_code == 10
    assert page.startswith("# Run refused by the gate")
    assert "| gate | fail: because |" in page


def test_a_webhook_that_leads_nowhere_changes_nothing_and_its_address_is_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(WEBHOOK, "ftp://hooks.example/T0pS3cret")
    outcome, page = run(tmp_path)
    assert outcome.exit_code == 0
    assert "the webhook is not called" in capfd.readouterr().err
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or b"T0pS3cret" not in path.read_bytes(), path
    assert "T0pS3cret" not in page


def test_kubeflow_fills_in_the_status_and_the_exit_handler_waits_for_all(tmp_path: Path) -> None:
    compiler.Compiler().compile(with_an_end, str(tmp_path / "pipeline.yaml"))
    import yaml

    task = yaml.safe_load((tmp_path / "pipeline.yaml").read_text())["root"]["dag"]["tasks"]["finish"]
    assert task["triggerPolicy"]["strategy"] == "ALL_UPSTREAM_TASKS_COMPLETED"
    (body,) = task["dependentTasks"]
    assert task["inputs"]["parameters"]["status"] == {"taskFinalStatus": {"producerTask": body}}

"""What the runner makes of steps that end in this way or that: real Kubeflow local runs of tiny steps."""

import os
import re
import signal
import subprocess
import sys
import time

import psutil
import pytest

from pipelines.run.local import run_locally
from pipelines.run.record import State
from tests.conftest import ROOT
from tests.pipelines.run.tiny import STEPS, tiny

S, F, N, K = State.SUCCEEDED, State.FAILED, State.NOT_RUN, State.SKIPPED


def _run(folder, **how):
    outcome = run_locally(tiny, how, STEPS, folder)
    return [step.state for step in outcome.steps], outcome


def test_steps_that_succeed_end_the_run_with_0_and_their_facts_are_known(tmp_path, capfd):
    states, outcome = _run(tmp_path)
    assert (states, outcome.exit_code) == ([S, S, S], 0)
    assert outcome.steps[1].facts["after"] == "pass"  # what ingest returned
    printed = capfd.readouterr()
    assert printed.out == ""
    assert printed.err == "ingest speaks\ngate speaks\ndeploy speaks\n"
    assert "KFP Executor" in (tmp_path / "log.txt").read_text()


def test_a_second_run_beside_the_first_works_too(tmp_path):
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        assert _run(tmp_path / name)[1].exit_code == 0


def test_a_step_with_wrong_data_ends_the_run_with_3_its_own_error_and_nothing_after_it(tmp_path, capfd):
    states, outcome = _run(tmp_path, ingest="dataset-error")
    assert (states, outcome.exit_code) == ([F, N, N], 3)
    printed = capfd.readouterr().err
    assert "error: 12 annotations name no image.\n  where: train.json\n  fix:   Delete them.\n" in printed
    assert "Traceback" not in printed


def test_a_step_that_exits_3_ends_the_run_with_3(tmp_path):
    states, outcome = _run(tmp_path, gate="exit-3")
    assert (states, outcome.exit_code) == ([S, F, N], 3)


def test_a_failure_behind_the_gate_ends_the_run_with_its_code_as_well(tmp_path):
    states, outcome = _run(tmp_path, deploy="dataset-error")
    assert (states, outcome.exit_code) == ([S, S, F], 3)


def test_a_bug_in_a_step_is_shown_with_its_traceback(tmp_path, capfd):
    states, outcome = _run(tmp_path, ingest="bug")
    assert (states, outcome.exit_code) == ([F, N, N], 1)
    assert "ValueError: a bug" in capfd.readouterr().err


def test_a_step_that_cannot_even_start_is_named(tmp_path, capfd):
    states, outcome = _run(tmp_path, gate="import")
    assert (states, outcome.exit_code) == ([S, F, N], 1)
    assert "no_such_module" in capfd.readouterr().err


def test_a_step_that_is_killed_fails_the_run(tmp_path):
    states, outcome = _run(tmp_path, ingest="killed")
    assert (states, outcome.exit_code) == ([F, N, N], 1)
    assert "killed" in outcome.steps[0].problem


def test_a_refused_gate_skips_the_rest_and_ends_the_run_with_10(tmp_path):
    states, outcome = _run(tmp_path, gate="refuse")
    assert (states, outcome.exit_code) == ([S, S, K], 10)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_to_the_run_alone_leaves_no_process_of_it(tmp_path, number, code):
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "tests.pipelines.run.tiny", "hang", str(tmp_path)]
    run = subprocess.Popen(
        command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        step_and_child = _wait_for_hanging(run)
        started = time.monotonic()
        run.send_signal(number)
        out, _ = run.communicate(timeout=30)
    finally:
        run.kill()
    assert run.returncode == code
    assert "ingest: interrupted" in out
    assert "gate: not run" in out
    assert time.monotonic() - started < 10
    assert not [pid for pid in step_and_child if psutil.pid_exists(pid) and _is_alive(pid)]


def _wait_for_hanging(run):
    """The pids of the step, and of the child that it started in a session of its own."""
    for line in run.stderr:
        if found := re.match(r"hanging (\d+) (\d+)", line):
            return [int(pid) for pid in found.groups()]
    raise AssertionError("the run ended before its step started")


def _is_alive(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False

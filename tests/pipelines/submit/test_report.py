import pytest

from pipelines.run.record import State
from pipelines.submit.follow import follow
from pipelines.submit.report import as_json, lines_of, make_report
from tests.pipelines.submit.kfp_api.workflow import Fate

_LOG = """12:04:31 train    step 1 of 3 000  loss 2.41
error: The loss is not a number.
  where: step 2
  fix:   A smaller learning rate: SET=train.lr=1e-5"""


def _words(lines):
    return " ".join(" ".join(lines).split())


@pytest.fixture
def ended(api, start, kubeflow, compiled, pace):
    """Runs the pipeline with these fates of its steps, and reports."""

    def run(**fates):
        api.runs.fates = fates
        run_id = start()
        return make_report(kubeflow, run_id, compiled, follow(kubeflow, run_id, compiled, pace, 3600))

    return run


def test_a_run_that_succeeded_ends_with_0_and_its_table(ended):
    report = ended()
    assert report.exit_code == 0
    lines = lines_of(report)
    assert lines[1].startswith("7 of 7 steps succeeded in 1")
    assert "✓ train 2 min 0 s succeeded" in _words(lines)
    assert lines[-1].endswith("/#/runs/details/run-1")


def test_a_failed_step_gives_its_own_exit_code_its_problem_and_its_last_lines(ended):
    report = ended(train=Fate("fail", log=_LOG, exit_code=4, attempts=6))
    assert report.exit_code == 4
    text = "\n".join(lines_of(report))
    assert "✗ train 12 min 0 s failed (exit 4): The loss is not a number. (attempt 6)" in _words([text])
    assert "- evaluate not run" in _words([text])
    assert "✓ finish" in text
    assert "    error: The loss is not a number.\n      where: step 2" in text
    assert "-retry-system-container-impl-" in text and "by the UI's server" in text


def test_the_machinerys_own_lines_are_left_out_of_a_steps_last_words(ended):
    report = ended(train=Fate("fail", log=_LOG, attempts=6))
    assert report.words.lines == tuple(_LOG.splitlines())


def test_a_step_that_was_killed_probably_had_too_little_memory(ended):
    report = ended(train=Fate("fail", log="12:04:31 train    step 40", exit_code=-9, attempts=6))
    assert report.exit_code == 137
    assert "want of memory" in _words(lines_of(report))


def test_only_the_last_lines_are_shown(ended):
    report = ended(train=Fate("fail", log="\n".join(f"line {number}" for number in range(100)), attempts=6))
    assert len(report.words.lines) == 20
    assert report.words.lines[-1] == "line 99"


def test_the_api_server_itself_has_logs_too_where_there_is_no_ui(api, ended):
    api.ui = False
    report = ended(train=Fate("fail", log=_LOG, exit_code=4, attempts=6))
    assert report.exit_code == 4
    assert report.words.source.endswith("by the API v1alpha1")


def test_a_log_that_is_gone_is_told_with_what_each_server_said(api, ended):
    api.pods.are_gone = True
    report = ended(train=Fate("fail", log=_LOG, exit_code=4, attempts=6))
    assert report.exit_code == 1, "nobody says what it was"
    (line,) = [line for line in lines_of(report) if "cannot be read" in line]
    assert "the UI's server: HTTP 404 pod not found" in line
    assert "the API v1alpha1: a web page instead of a log" in line


def test_a_step_whose_driver_failed_never_started_and_the_drivers_log_says_why(ended):
    report = ended(evaluate=Fate("driver-fails"))
    assert report.exit_code == 1
    (step,) = [step for step in report.steps if step.state is State.FAILED]
    assert step.name == "evaluate"
    assert "its driver failed" in step.problem
    assert "no such artifact" in report.words.lines[-1]


def test_a_refused_gate_ends_with_10_and_says_what_is_served(ended):
    report = ended(gate=Fate("refuse"))
    assert report.exit_code == 10
    text = _words(lines_of(report))
    assert "- export skipped: gate refused - deploy skipped: gate refused" in text
    assert "what was served before is still served" in text
    assert "5 of 7 steps succeeded" in text


def test_a_run_that_failed_without_a_failed_step_says_so(api, ended, kubeflow, compiled):
    report = ended()
    look = type(report.look)(
        **{name: getattr(report.look, name) for name in report.look.__slots__} | {"state": "FAILED"}
    )
    failed = make_report(kubeflow, "run-1", compiled, look)
    assert failed.exit_code == 1
    assert "no step failed" in lines_of(failed)[-1]


def test_programs_get_the_same_as_json(ended):
    found = as_json(ended(train=Fate("fail", log=_LOG, exit_code=4, attempts=6)))
    assert (found["state"], found["exit_code"], found["gate_refused"]) == ("FAILED", 4, False)
    assert {step["name"]: step["state"] for step in found["steps"]}["train"] == "failed"
    assert found["last_lines"] == _LOG.splitlines()

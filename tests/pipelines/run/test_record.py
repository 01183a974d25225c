import json

from pipelines.run.record import State, read_steps

NAMES = ("ingest", "gate", "deploy")


def _write(path, *events):
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    return path


def _end(step, state="succeeded", exit_code=0, **more):
    return {"step": step, "event": "end", "state": state, "seconds": 1.5, "exit_code": exit_code, **more}


def test_a_run_that_never_started_a_step_has_run_none(tmp_path):
    steps = read_steps(tmp_path / "absent.jsonl", NAMES)
    assert [step.state for step in steps] == [State.NOT_RUN] * 3


def test_steps_after_a_refused_gate_were_skipped_and_not_forgotten(tmp_path):
    path = _write(tmp_path / "s", _end("ingest"), _end("gate", facts={"decision": "investigate", "reasons": ["?"]}))
    assert [step.state for step in read_steps(path, NAMES)] == [State.SUCCEEDED, State.SUCCEEDED, State.SKIPPED]


def test_a_step_that_was_killed_is_called_failed(tmp_path):
    path = _write(tmp_path / "s", {"step": "ingest", "event": "start"})
    step = read_steps(path, NAMES)[0]
    assert (step.state, step.exit_code, step.seconds) == (State.FAILED, 1, None)
    assert "out of memory" in step.problem


def test_in_an_interrupted_run_the_running_step_is_called_interrupted(tmp_path):
    path = _write(tmp_path / "s", _end("ingest"), {"step": "gate", "event": "start"})
    states = [step.state for step in read_steps(path, NAMES, interrupted=True)]
    assert states == [State.SUCCEEDED, State.INTERRUPTED, State.NOT_RUN]


def test_a_step_that_was_tried_again_counts_as_it_ended(tmp_path):
    path = _write(tmp_path / "s", _end("ingest", "failed", 75, error={"problem": "stopped"}), _end("ingest"))
    assert read_steps(path, NAMES)[0].state is State.SUCCEEDED


def test_a_line_cut_off_by_a_kill_is_no_obstacle(tmp_path):
    path = _write(tmp_path / "s", _end("ingest"))
    path.write_text(path.read_text() + '{"step": "gate", "ev')
    assert [step.state for step in read_steps(path, NAMES)] == [State.SUCCEEDED, State.NOT_RUN, State.NOT_RUN]

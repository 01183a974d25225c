import json

import pytest

from sparseinst.errors import DatasetError
from sparseinst.steps import STEPS_FILE, step


@pytest.fixture
def steps_file(tmp_path, monkeypatch):
    path = tmp_path / "steps.jsonl"
    monkeypatch.setenv(STEPS_FILE, str(path))
    return path


def _events(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_step_tells_that_it_started_and_what_it_found(steps_file):
    with step("ingest") as facts:
        facts["images"] = 12
    start, end = _events(steps_file)
    assert (start["step"], start["event"]) == ("ingest", "start")
    assert (end["event"], end["state"], end["exit_code"]) == ("end", "succeeded", 0)
    assert end["facts"] == {"images": 12}
    assert end["seconds"] >= 0


def test_a_deliberate_error_is_printed_without_a_traceback_and_gives_its_exit_code(steps_file, capsys):
    with pytest.raises(SystemExit) as exit_info, step("ingest"):
        raise DatasetError("12 annotations name no image.", where="train.json", fix="Delete them.")
    assert exit_info.value.code == 3
    printed = capsys.readouterr().err
    assert printed == "error: 12 annotations name no image.\n  where: train.json\n  fix:   Delete them.\n"
    end = _events(steps_file)[-1]
    assert (end["state"], end["exit_code"]) == ("failed", 3)
    assert end["error"] == {"problem": "12 annotations name no image.", "where": "train.json", "fix": "Delete them."}


def test_a_bug_keeps_its_traceback(steps_file):
    with pytest.raises(ZeroDivisionError), step("train"):
        1 / 0  # noqa: B018
    end = _events(steps_file)[-1]
    assert (end["state"], end["exit_code"]) == ("failed", 1)
    assert "ZeroDivisionError" in end["error"]["problem"]


@pytest.mark.parametrize(("code", "told"), [(3, 3), ("a text", 1), (None, 1)])
def test_a_step_that_ends_itself_tells_the_exit_code(steps_file, code, told):
    with pytest.raises(SystemExit), step("train"):
        raise SystemExit(code)
    assert _events(steps_file)[-1]["exit_code"] == told


def test_in_a_pod_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.delenv(STEPS_FILE, raising=False)
    monkeypatch.chdir(tmp_path)
    with step("ingest"):
        pass
    assert list(tmp_path.iterdir()) == []

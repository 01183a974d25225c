import json
import signal
import subprocess
import sys

import pytest

from sparseinst.errors import DatasetError
from sparseinst.steps import STEPS_FILE, step
from sparseinst.workspace.journal import read_journals


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


def test_without_a_folder_and_a_file_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.delenv(STEPS_FILE, raising=False)
    monkeypatch.chdir(tmp_path)
    with step("ingest"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_the_runs_folder_has_what_each_attempt_told(tmp_path, monkeypatch):
    monkeypatch.delenv(STEPS_FILE, raising=False)
    folder = str(tmp_path / "run")
    with pytest.raises(SystemExit), step("train", folder):
        raise DatasetError("Bad.", details=["one", "two"])
    with step("train", folder) as facts:
        facts["iterations"] = 3
    told = read_journals(folder)["train"]
    assert [event["event"] for event in told] == ["start", "end", "start", "end"]
    assert told[1]["error"]["details"] == ["one", "two"]
    assert told[3]["facts"] == {"iterations": 3}


def test_a_runs_folder_that_cannot_be_written_is_a_warning_and_the_step_goes_on(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv(STEPS_FILE, raising=False)
    (tmp_path / "file").write_text("")
    with step("ingest", str(tmp_path / "file" / "run")) as facts:
        facts["images"] = 1
    assert facts == {"images": 1}


STOPPED = """
import sys, time
from sparseinst.errors import SparseInstError
from sparseinst.steps import step
with step("evaluate", sys.argv[1]):
    try:
        print("on its way", flush=True)
        time.sleep(60)
    except SparseInstError:
        print("swallowed", flush=True)
    finally:
        print("tidied up", flush=True)
"""


def test_sigterm_ends_a_step_with_75_after_it_has_tidied_up(tmp_path):
    command = [sys.executable, "-c", STOPPED, str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "on its way\n"
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, said) == (75, "tidied up\n")
    end = read_journals(str(tmp_path))["evaluate"][-1]
    assert (end["state"], end["exit_code"]) == ("failed", 75)
    assert "SIGTERM" in end["error"]["problem"]

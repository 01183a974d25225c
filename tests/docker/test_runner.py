"""Kubeflow's DockerRunner as we use it: containers that end in this way or that end the run as they should."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

COMMAND = [sys.executable, "-m", "tests.docker.endings"]
PIPES = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}


@pytest.fixture
def environment(components: Any, tag: str) -> dict[str, str]:
    return {**os.environ, "SPARSEINST_IMAGE": f"sparseinst-components:{tag}", "PYTHONUNBUFFERED": "1"}


def run(how: str, folder: Path, environment: dict[str, str]) -> tuple[int, list[str], str]:
    """The exit code, a line for each step, and what people saw."""
    done = subprocess.run([*COMMAND, how, str(folder)], cwd=ROOT, env=environment, text=True, check=False, **PIPES)
    return done.returncode, done.stdout.splitlines(), done.stderr


def left(docker: Any, folder: Path) -> list[Any]:
    return list(docker.containers.list(all=True, filters={"label": f"sparseinst.steps={folder}"}))


def test_a_step_is_nobody_writes_nothing_outside_and_sees_no_more_of_our_environment_than_it_needs(
    tmp_path: Path, environment: dict[str, str]
):
    seen = environment | {"AWS_SECRET_ACCESS_KEY": "s", "OUR_OWN": "secret"}
    code, lines, screen = run("look", tmp_path, seen)
    assert code == 0, screen
    assert all("succeeded" in line for line in lines)
    user = 12345 if os.getuid() == 0 else os.getuid()
    assert f"'user': {user}," in lines[0] and "'capabilities': 0" in lines[0]
    assert "Read-only file system" in lines[0]
    assert "AWS_SECRET_ACCESS_KEY" in lines[0] and "OUR_OWN" not in lines[0]
    assert screen == "".join(f"{step} speaks: größer\n" for step in ("ingest", "gate", "deploy"))


@pytest.mark.parametrize(("how", "code"), [("exit-3", 3), ("exit-3-at-once", 3), ("killed", 137)])
def test_a_container_that_fails_ends_the_run_with_its_own_code_and_nothing_runs_after_it(
    docker: Any, tmp_path: Path, environment: dict[str, str], how: str, code: int
):
    ended, lines, screen = run(how, tmp_path, environment)
    assert ended == code, screen
    assert lines[0].startswith(f"ingest: failed, exit code {code}")
    assert [line.split(",")[0] for line in lines[1:]] == ["gate: not run", "deploy: not run"]
    assert "Traceback" not in screen
    assert left(docker, tmp_path) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_reaches_the_step_in_its_container_and_no_container_is_left(
    docker: Any, tmp_path: Path, environment: dict[str, str], number: signal.Signals, code: int
):
    run = subprocess.Popen([*COMMAND, "hang", str(tmp_path)], cwd=ROOT, env=environment, text=True, **PIPES)
    try:
        assert any("hanging" in line for line in run.stderr or ()), "the run ended before its step started"
        run.send_signal(number)
        out, _ = run.communicate(timeout=60)
    finally:
        run.kill()
    assert run.returncode == code
    assert "ingest: interrupted" in out
    assert '"exit_code": 75' in (tmp_path / "steps.jsonl").read_text(), "the step was not told to stop"
    assert left(docker, tmp_path) == []


def test_a_missing_image_is_said_before_anything_starts(docker: Any, tmp_path: Path):
    environment = {**os.environ, "SPARSEINST_IMAGE": "sparseinst-components:no-such-tag"}
    command = [sys.executable, "-m", "pipelines.run", "--runner", "docker", "--runs", str(tmp_path / "runs")]
    done = subprocess.run(command, cwd=ROOT, env=environment, text=True, check=False, **PIPES)
    assert done.returncode == 7
    problem = r"error: There is no image 'sparseinst-components:no-such-tag'\.\n  where: .*\n  fix:   .*make images.*\n"
    assert re.fullmatch(problem, done.stderr)
    assert not (tmp_path / "runs").exists()

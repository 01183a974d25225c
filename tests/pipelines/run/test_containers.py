"""What needs no Docker of the runner in containers; the rest is in tests/docker."""

import os
import subprocess
import sys

from pipelines.run.containers import _lines
from tests.conftest import ROOT


def test_without_a_daemon_the_run_ends_with_7_says_how_to_go_on_and_leaves_nothing(tmp_path):
    socket = f"unix://{tmp_path}/no.sock"
    command = [sys.executable, "-m", "pipelines.run", "--runner", "docker", "--runs", str(tmp_path / "runs")]
    environment = {**os.environ, "DOCKER_HOST": socket}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 7
    assert done.stderr.startswith(f"error: No Docker daemon answers.\n  where: {socket}\n")
    assert "\n  fix:   " in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "runs").exists()


def test_a_log_is_cut_into_lines_wherever_its_pieces_end():
    text = "größer\n\nlast, without an end"
    pieces = [bytes([byte]) for byte in text.encode()]
    assert list(_lines(iter(pieces))) == text.split("\n")
    assert list(_lines(iter([b"broken \xff\n"]))) == ["broken \ufffd"]

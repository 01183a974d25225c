"""A disk that fills up during training: on a real file system of a few megabytes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.training.recipe import command, recipe

_MOUNT = 'mount -t tmpfs -o size="$1" tmpfs "$2" && shift 2 && exec "$@"'


def run_on_a_small_disk(size: str, output: Path, after: str, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """Runs a command whose output directory is a file system of this size; `after` is run there when it has ended."""
    if shutil.which("unshare") is None:
        pytest.skip("there is no unshare to make a small file system with")
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode:
        pytest.skip("this machine allows no file systems of one's own (unshare -rm)")
    output.mkdir(parents=True)
    both = f'"$@"; code=$?; cd {output} && {after}; exit $code'
    inner = ["bash", "-c", both, "-", *arguments]
    whole = ["unshare", "-rm", "bash", "-c", _MOUNT, "-", size, str(output), *inner]
    return subprocess.run(whole, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def state_bytes(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> int:
    from sparseinst.training.train import train

    output = tmp_path_factory.mktemp("size")
    train(sample, output, recipe(iterations=1))
    return max(path.stat().st_size for path in (output / "state").iterdir())


def test_older_states_make_room_for_the_newest(sample: Path, tmp_path: Path, state_bytes: int) -> None:
    """Room for three and a half files: two states that are kept, one that is written, and the model at the end."""
    config = recipe(iterations=8, checkpoint_every=1, keep_states=9)
    output = tmp_path / "run"
    size = int(3.6 * state_bytes)
    done = run_on_a_small_disk(str(size), output, "ls state", command(sample, output, config))
    assert done.returncode == 0, done.stderr
    assert "older states were deleted to make room" in done.stderr
    assert "00000008-" in done.stdout
    assert ".tmp" not in done.stdout


def test_a_disk_that_stays_full_is_an_error_with_code_9_and_leaves_no_half_file(
    sample: Path, tmp_path: Path, state_bytes: int
) -> None:
    config = recipe(iterations=8, checkpoint_every=1)
    output = tmp_path / "run"
    size = int(0.7 * state_bytes)
    shown = "ls -A state; cat metrics.jsonl | wc -l; cat events.jsonl"
    done = run_on_a_small_disk(str(size), output, shown, command(sample, output, config))
    assert done.returncode == 9, done.stderr
    assert "No space left on device" in done.stderr
    assert "Make room on its disk" in done.stderr
    assert "Training goes on, and tries again" in done.stderr  # it did not end at the first failure
    assert "Traceback" not in done.stderr
    assert ".tmp" not in done.stdout
    assert ".pt" not in done.stdout.partition("{")[0]


def test_a_log_that_cannot_be_written_is_made_up_for(tmp_path: Path) -> None:
    """In a process of its own, on a disk of one page."""
    program = """
import json, sys
from pathlib import Path
from sparseinst.training.telling.lines import JsonLines
folder = Path(sys.argv[1])
lines = JsonLines(folder / "metrics.jsonl")
filler = folder / "filler"
with filler.open("wb", buffering=0) as file:
    try:
        while True:
            file.write(b"x" * 512)
    except OSError:
        pass
for n in range(200):
    lines.add({"iteration": n})
filler.unlink()
lines.add({"iteration": 200})
found = [json.loads(line)["iteration"] for line in (folder / "metrics.jsonl").read_text().splitlines()]
print(found == list(range(201)))
"""
    output = tmp_path / "small"
    done = run_on_a_small_disk("16k", output, "true", [sys.executable, "-c", program, str(output)])
    assert done.stdout.strip() == "True", done.stderr

"""The examples of docs/clients.md run as they stand there, but for the addresses."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sparseinst.export.front_door import write_front_door
from sparseinst.imaging.write import write_image
from tests.serving import tiny
from tests.serving.client.examples import examples
from tests.serving.client.pictures import pictures
from tests.serving.client.servers import OwnTriton

PYTHON = [code for code in examples("python") if "grpcs://" not in code]
BASH = examples("bash")


@pytest.fixture(scope="module")
def front_door(server: OwnTriton, published: str) -> None:
    write_front_door(server.repository, published, tiny.METADATA)
    server.load(f"{published}_front")


@pytest.fixture(autouse=True)
def photos(tmp_path: Path, server: OwnTriton, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pictures that the examples speak of, in the current folder."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "broken.jpg").write_text("no picture")
    for name, image in zip(("photo.jpg", "photos/a.jpg", "photos/b.jpg"), pictures(3, 90, 130), strict=True):
        write_image(tmp_path / name, image)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPARSEINST_TRITON_KEY", server.key)


def run(code: str, server: OwnTriton) -> str:
    """What a Python example prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code.replace("127.0.0.1:8001", server.url), "docs/clients.md", "exec"), {})
    return printed.getvalue()


@pytest.mark.parametrize("code", PYTHON, ids=range(len(PYTHON)))
def test_a_python_example_runs(code: str, server: OwnTriton, published: str, front_door: None):
    printed = run(code, server)
    if "results = " in code:
        assert re.fullmatch(r"bright 0\.\d+ \d+ pixels\ndark 0\.\d+ \d+ pixels\n", printed)
    if "predict_files" in code:
        assert printed.splitlines()[:1] == ["photos/a.jpg 2"] and "cannot be decoded" in printed
    if "predict_async" in code:
        assert printed == f"{[2] * 8}\n"
    if "FrontDoorClient" in code:
        assert len(printed.splitlines()) == 2


@pytest.mark.parametrize("code", BASH, ids=range(len(BASH)))
def test_a_command_runs(code: str, server: OwnTriton, published: str, front_door: None):
    script = code.replace("127.0.0.1:8001", server.url).replace("127.0.0.1:8000", server.http)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], capture_output=True, text=True, env={**os.environ, "PATH": path}
    )
    if "sparseinst predict" in code:
        assert ran.returncode == 3 and "broken.jpg" in ran.stderr
        assert len(json.loads(Path("pictures/predictions.json").read_text())["images"]) == 3
        return
    assert ran.returncode == 0, ran.stdout + ran.stderr
    answer = json.loads(ran.stdout)
    if "_front" in code:
        assert answer["images"] == [{"id": 1, "width": 130, "height": 90}] and len(answer["annotations"]) == 2
    elif "image.rgb" in code:
        assert answer["outputs"][1]["data"] == [0, 1, -1]
    else:
        assert answer == tiny.METADATA

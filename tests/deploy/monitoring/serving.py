"""A Triton that serves, as deploy/base has it: a model, its front door, a candidate in its shadow; and its clients."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np

from sparseinst.errors import SparseInstError
from sparseinst.export.front_door import front_config, front_model_py
from sparseinst.imaging.write import encode_image
from sparseinst.serving.connection import Connection
from tests.serving import tiny
from tests.serving.client.servers import OwnTriton, own_triton
from tests.serving.drift.test_live import evaluate, pictures
from tests.serving.front_door.door import ask

NAME = "sparseinst"


@contextmanager
def served(folder: Path) -> Iterator[OwnTriton]:
    """It is up, with everything loaded and the evaluation beside the model."""
    repository = folder / "models"
    for name in (NAME, f"{NAME}_candidate"):
        (tiny.write_export(folder / "exports" / name, name) / name).rename(_made(repository) / name)
    config = repository / NAME / "config.pbtxt"
    (repository / NAME / "1" / "config.pbtxt").write_bytes(config.read_bytes())
    door = repository / f"{NAME}_front"
    (door / "1").mkdir(parents=True)
    shadow = {"model": f"{NAME}_candidate", "metadata": tiny.METADATA, "share": 1.0, "shadow": True}
    (door / "config.pbtxt").write_text(front_config(NAME, [tiny.METADATA], canary=shadow, instances=1))
    (door / "1" / "model.py").write_text(front_model_py())
    with own_triton(folder, repository) as server:
        for name in (NAME, f"{NAME}_candidate", f"{NAME}_front"):
            server.load(name)
        evaluate(f"grpc://{server.url}/{NAME}", repository / NAME / "1" / "metrics.json")
        yield server


@contextmanager
def load(server: OwnTriton) -> Iterator[None]:
    """Clients of the front door and of the raw model, among them some who send no picture."""
    over = threading.Event()
    contents = [encode_image(picture, ".png") for picture in pictures(40, 2, 110)] + [b"no picture"]
    image = np.zeros((1, 3, 64, 64), np.uint8)

    def at_the_door() -> None:
        with Connection(server.url, timeout_s=60) as connection:
            while not over.is_set():
                for content in contents:
                    with suppress(SparseInstError):
                        ask(connection, f"{NAME}_front", content)

    def at_the_model() -> None:
        with Connection(server.url, timeout_s=60) as connection:
            while not over.is_set():
                connection.infer(NAME, "", {"image": image}, ["scores"])
                over.wait(0.02)

    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(at_the_door), pool.submit(at_the_model)]
        try:
            yield
        finally:
            over.set()
        for one in asked:
            one.result()


@contextmanager
def drift_exporter(server: OwnTriton, folder: Path) -> Iterator[str]:
    """host:port of `sparseinst drift`, in a process of its own, as deploy/monitoring/drift runs it."""
    log = folder / "drift.log"
    url = f"http://127.0.0.1:{server.state.ports['metrics']}/metrics"
    arguments = ["--name", NAME, "--repository", str(server.repository), "--metrics-url", url]
    command = [sys.executable, "-m", "sparseinst", "drift", *arguments, "--every", "1s", "--port", "0"]
    with log.open("w") as file, subprocess.Popen(command, stdout=file, stderr=file, env=dict(os.environ)) as process:
        try:
            while "serves at " not in log.read_text():
                assert process.poll() is None, log.read_text()
                threading.Event().wait(0.1)
            yield log.read_text().split("serves at http://")[1].split("/")[0]
        finally:
            process.terminate()


@contextmanager
def exporter(text: str) -> Iterator[str]:
    """host:port of a server whose /metrics say this."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"127.0.0.1:{listening.server_address[1]}"
        finally:
            listening.shutdown()
            thread.join()


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder

"""How many images one process can fetch from a bucket: objects of the size of COCO's images, from a real S3 server."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pipelines.run.environment import environment
from sparseinst.serving.stack import seaweed, supervisor
from sparseinst.serving.stack.ports import choose_port
from sparseinst.serving.stack.state import DATA_BUCKET, StackState
from sparseinst.storage.parallel import in_parallel
from sparseinst.storage.s3 import S3Storage
from sparseinst.storage.s3_fetch import fetch_object

_BYTES, _OBJECTS = 163_500, 400
_THREADS = (1, 4, 16)


def measure_bucket() -> dict[str, Any]:
    """A row for each number of threads of one process; the server runs on the same machine."""
    with TemporaryDirectory() as folder:
        ports: dict[str, int] = {}
        for part in ("s3", "s3_grpc", "master", "volume", "filer", "admin", "grpc"):  # nobody listens at the last one
            ports[part] = choose_port([*ports.values(), *(port + 10_000 for port in ports.values())])
        state = StackState(root=Path(folder) / "server", ports=ports)
        state.root.mkdir()
        state = state.with_process("s3", seaweed.start(state))
        try:
            seaweed.wait(state)
            with environment(state.environment()):
                return _measure(S3Storage(DATA_BUCKET, "images"), Path(folder) / "here")
        finally:
            supervisor.stop(state.processes["s3"])


def _measure(storage: S3Storage, here: Path) -> dict[str, Any]:
    here.mkdir()
    content = os.urandom(_BYTES)
    keys = [f"{number}.jpg" for number in range(_OBJECTS)]
    for _ in in_parallel(lambda key: storage.write_bytes(key, content), keys, 8):
        pass
    entries = storage.entries()
    stop = threading.Event()
    rows = []
    for threads in _THREADS:
        begin, worked = time.perf_counter(), time.process_time()
        fetched = in_parallel(
            lambda entry: fetch_object(storage, entry, here / entry.key, _nobody, stop), entries, threads
        )
        count = sum(1 for _ in fetched)
        seconds, worked = time.perf_counter() - begin, time.process_time() - worked
        rows.append(
            {
                "threads": threads,
                "objects_s": round(count / seconds, 1),
                "mb_s": round(count * _BYTES / seconds / 1e6, 1),
                "cpu_ms": round(1000 * worked / count, 2),
            }
        )
        print(rows[-1], flush=True)
    return {"object_bytes": _BYTES, "objects": _OBJECTS, "rows": rows}


def _nobody(_: float) -> None:
    """Is told how many bytes came."""

"""What serving costs beside the model: gRPC, shared memory and the front door against the model in this process.

Run: python -m benchmarks.serving [--config sparse_inst_r50_giam] [--size 640] [--json FILE]

First one image at a time: the ways take turns, so that what the machine does meanwhile meets all of them alike, and
each is held against the TorchScript file in this process with as many threads as the server has. Then 1 to 16 clients
that ask for one image at a time, for every setting of the server, against processes of this machine that run the
model alone. Medians; ratios are what can be compared between machines. Weights are those of the reference figures,
whose answers fill all of the slots.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
import warnings
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from benchmarks.device import describe
from benchmarks.picture import picture
from benchmarks.serving import load
from benchmarks.serving.model import NAME, Repository, Setting, write_repository
from benchmarks.serving.server import server
from pipelines.run.environment import environment
from sparseinst.data.sample.write import encode_jpeg
from sparseinst.export.contract import COMPACT_REPLY, FRONT, FULL_REPLY
from sparseinst.export.torchscript import load_script
from sparseinst.files import write_json
from sparseinst.serving.client import FrontDoorClient, TritonClient
from sparseinst.serving.connection import Connection
from sparseinst.serving.stack.state import StackState

_CLIENTS = (1, 2, 4, 8, 16)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", default="sparse_inst_r50_giam")
    parser.add_argument("--size", type=int, default=640, help="sides of the picture in pixels")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=20, help="of each load")
    parser.add_argument("--clients", type=int, nargs="+", default=_CLIENTS)
    parser.add_argument(
        "--all-settings", action="store_true", help="also other numbers of processes and threads, batches"
    )
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    warnings.simplefilter("ignore", DeprecationWarning)
    cores = len(os.sched_getaffinity(0))
    settings = [(2, cores, 1)]  # as the export has it
    if options.all_settings:
        settings += [(2, cores, 8), (1, cores, 1), (1, cores, 8), (cores, 1, 1), (cores, 1, 8)]
    device = describe(torch.device("cuda" if torch.cuda.is_available() else "cpu"))
    print(f"{options.config}, {options.size} x {options.size}, {device}, {cores} cores")
    with TemporaryDirectory() as folder:
        repository = write_repository(Path(folder) / "models", options.config)
        with server(repository.folder, Path(folder) / "server") as state, environment(state.environment()):
            alone = latencies(repository, state, options.size, options.rounds, threads=cores)
            together = loads(
                repository,
                state,
                options.size,
                options.seconds,
                options.clients,
                [Setting(*numbers) for numbers in settings],
            )
    if options.json:
        facts = {"config": options.config, "size": options.size, "device": device, "cores": cores}
        write_json(options.json, {**facts, "torch": torch.__version__, "alone": alone, **together})


def latencies(repository: Repository, state: StackState, size: int, rounds: int, threads: int) -> dict[str, Any]:
    """One image at a time, in every way; the server's processes have so many threads, as the export configures them."""
    _serve(repository, state, Setting(2, threads, 1))
    torch.set_num_threads(threads)
    scripted, _ = load_script(repository.model)
    image = picture(size, size)
    batch, jpeg = image[None].numpy(), encode_jpeg(image.permute(1, 2, 0).numpy())
    url = state.triton_url
    with (
        TritonClient(url, NAME, timeout_s=600) as client,
        FrontDoorClient(url, NAME, timeout_s=600) as front,
        torch.inference_mode(),
    ):
        ways: dict[str, tuple[Callable[[], Any], int]] = {
            "in this process": (lambda: scripted(image[None]), 0),
            "gRPC, full reply": (lambda: client.infer(batch, FULL_REPLY), _bytes(client, batch, FULL_REPLY)),
            "gRPC, compact reply": (lambda: client.infer(batch, COMPACT_REPLY), _bytes(client, batch, COMPACT_REPLY)),
            "front door, JPEG to JSON": (lambda: front.answer(jpeg), len(jpeg) + len(str(front.answer(jpeg)))),
        }
        taken: dict[str, list[float]] = defaultdict(list)
        for number in range(rounds + 2):
            for name, (ask, _) in ways.items():
                begin = time.perf_counter()
                ask()
                if number >= 2:  # the first ones warm up
                    taken[name].append(1000 * (time.perf_counter() - begin))
    floor = statistics.median(taken["in this process"])
    print(f"\n{'one image, ' + str(threads) + ' threads':<28}{'median ms':>10}{'ratio':>8}{'bytes':>12}")
    rows = {}
    for name, (_, size_) in ways.items():
        ratios = [mine / its for mine, its in zip(taken[name], taken["in this process"], strict=True)]
        rows[name] = {
            "median_ms": round(statistics.median(taken[name]), 1),
            "ratio": round(statistics.median(ratios), 3),
            "bytes": size_,
        }
        print(f"{name:<28}{rows[name]['median_ms']:10.1f}{rows[name]['ratio']:8.3f}{size_:12,}")
    return {"threads": threads, "floor_ms": round(floor, 1), "ways": rows}


def loads(
    repository: Repository,
    state: StackState,
    size: int,
    seconds: float,
    counts: list[int],
    settings: list[Setting],
) -> dict[str, Any]:
    """Images a second of the model alone, and of clients under each setting of the server."""
    cores = settings[0].threads
    batch = picture(size, size)[None].numpy()
    alone = {
        f"{workers} x {threads} threads": load.in_process(repository.model, workers, threads, batch, seconds)
        for workers, threads in sorted({(1, 1), (1, cores), (cores, 1)})
    }
    best = max(found.rate for found in alone.values())
    print(f"\n{'the model alone':<42}{'images/s':>9}")
    for name, found in alone.items():
        print(f"{name:<42}{found.rate:9.2f}  {found.percentiles()}")
    print(f"\n{'clients':<42}{'images/s':>9}{'of best':>8}")
    rows: dict[str, Any] = {}
    for setting in settings:
        _serve(repository, state, setting)
        for count in counts:
            found = load.clients(state.triton_url, NAME, count, batch, list(COMPACT_REPLY), seconds)
            share = found.rate / best
            rows.setdefault(str(setting), {})[count] = {
                "rate": round(found.rate, 2),
                "of_best": round(share, 3),
                **found.percentiles(),
            }
            print(
                f"{count:>3} clients, {setting!s:<30}{found.rate:9.2f}{share:8.3f}  {found.percentiles()}", flush=True
            )
    processes = {name: {"rate": round(found.rate, 2), **found.percentiles()} for name, found in alone.items()}
    return {"in_process": processes, "clients": rows}


def _serve(repository: Repository, state: StackState, setting: Setting) -> None:
    repository.configure(setting)
    with Connection(state.triton_url, timeout_s=600) as connection:
        connection.load(NAME)
        connection.load(f"{NAME}{FRONT}")
    batch = picture(640, 640)[None].numpy()
    load.clients(state.triton_url, NAME, 2 * setting.instances, batch, ["scores"], 5)


def _bytes(client: TritonClient, batch: Any, outputs: tuple[str, ...]) -> int:
    return int(batch.nbytes) + sum(int(array.nbytes) for array in client.infer(batch, outputs).values())


if __name__ == "__main__":
    main()

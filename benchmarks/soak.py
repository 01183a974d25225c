"""Whether the server's memory stays flat: thousands of requests of mixed sizes and batches, measured from outside.

    python -m benchmarks.soak                   # 5 000 requests of the sample network and its front door: minutes
    python -m benchmarks.soak --requests 50000

Before it measures, all is warmed up: allocators keep what they once needed, torch specialises its graph, and oneDNN
keeps what it prepared for each size and batch (on a CPU some 200 MB, of which the last comes late). Then the
requests go out in ten blocks, and after each the memory is read. It goes up and down by some 40 MB, as allocators give
back or not; what counts is how much its lowest point of the second half lies above that of the first. It may be
LIMIT_MB. The replies of 5 000 requests are 130 MB: were one in two kept, it would be seen.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import psutil
from PIL import Image

from sparseinst.export.contract import FULL_REPLY, INPUT
from sparseinst.export.front_door import ANSWER, PICTURE
from sparseinst.serving.connection import Connection
from sparseinst.serving.stack.state import StackState

LIMIT_MB = 25.0

_CLIENTS = 4
_TIMEOUT_S = 120.0
_WARM_UP = 1500
_BLOCKS = 10
_SIDES = (64, 144, 256)
_BATCHES = (1, 1, 1, 2, 4, 8)

Ask = Callable[[Connection, random.Random], int]  # sends one request and gives the bytes of its reply


@dataclass(frozen=True)
class Soak:
    """What was asked, and by how many MB the floor of each part's memory rose."""

    requests: int
    reply_kb: float  # on average
    growth_mb: dict[str, float]
    memory_mb: dict[str, float]  # at the end


def soak(state: StackState, asks: Sequence[Ask], requests: int, *, warm_up: int = _WARM_UP) -> Soak:
    """Sends the requests of the warm-up and then the others, four at a time; measures between them."""
    _send(state, asks, warm_up, seed=0)
    samples, reply_bytes = [], 0
    for block in range(1, _BLOCKS + 1):
        reply_bytes += _send(state, asks, requests // _BLOCKS, seed=block)
        samples.append(memory(state))
    first, second = samples[: _BLOCKS // 2], samples[_BLOCKS // 2 :]
    growth = {
        part: min(sample[part] for sample in second) - min(sample[part] for sample in first) for part in samples[-1]
    }
    return Soak(
        requests,
        round(reply_bytes / requests / 1e3, 1),
        {part: round(value / 1e6, 1) for part, value in growth.items()},
        {part: round(value / 1e6, 1) for part, value in samples[-1].items()},
    )


def memory(state: StackState) -> dict[str, int]:
    """Bytes that the server and each of its stubs hold alone (USS), and those of the memory that they share."""
    server = psutil.Process(state.processes["triton"].pid)
    found = {"server": server.memory_full_info().uss}
    for child in server.children():
        if child.status() != psutil.STATUS_ZOMBIE:  # a model that is gone
            found[child.cmdline()[-2]] = child.memory_full_info().uss
    found["shared"] = sum(segment.stat().st_blocks * 512 for segment in Path("/dev/shm").glob(f"{state.id}_*"))
    return found


def images(model: str, sides: Sequence[int] = _SIDES, batches: Sequence[int] = _BATCHES) -> Ask:
    """Requests of the raw model, of random size and batch, for the full reply."""

    def ask(connection: Connection, chance: random.Random) -> int:
        shape = (chance.choice(batches), 3, chance.choice(sides), chance.choice(sides))
        reply = connection.infer(model, "", {INPUT.name: np.full(shape, chance.randrange(256), np.uint8)}, FULL_REPLY)
        return sum(array.nbytes for array in reply.values())

    return ask


def pictures(front: str, sides: Sequence[int] = _SIDES) -> Ask:
    """Requests of the front door: JPEG files of random size."""

    def ask(connection: Connection, chance: random.Random) -> int:
        file = io.BytesIO()
        size = (chance.choice(sides), chance.choice(sides))
        Image.effect_noise(size, 80).convert("RGB").save(file, "JPEG")
        reply = connection.infer(front, "", {PICTURE.name: np.frombuffer(file.getvalue(), np.uint8)}, [ANSWER.name])
        return int(reply[ANSWER.name].nbytes)

    return ask


def _send(state: StackState, asks: Sequence[Ask], requests: int, seed: int) -> int:
    with (
        Connection(state.triton_url, timeout_s=_TIMEOUT_S) as connection,
        ThreadPoolExecutor(_CLIENTS) as pool,
    ):
        return sum(
            pool.map(
                lambda number: asks[number % len(asks)](connection, random.Random(f"{seed} {number}")),
                range(requests),
            )
        )


def main() -> int:
    """Prints the measurement as JSON; 1 where memory grew by more than the limit."""
    from benchmarks.serving.model import NAME, Setting, write_repository
    from benchmarks.serving.server import server
    from sparseinst.export.contract import FRONT
    from sparseinst.serving.stack import triton

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=5000, help="[%(default)s]")
    parser.add_argument("--config", default="sample", help="the network [%(default)s]")
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder:
        repository = write_repository(Path(folder) / "repository", arguments.config)
        repository.configure(Setting(instances=1, threads=1, batch=8))
        with server(repository.folder, Path(folder) / "server") as state:
            with triton.connect(state, timeout_s=300) as connection:
                connection.load(NAME)
                connection.load(f"{NAME}{FRONT}")
            measured = soak(state, [images(NAME), pictures(f"{NAME}{FRONT}")], arguments.requests)
    print(json.dumps(asdict(measured), indent=2))
    return int(max(measured.growth_mb.values()) > LIMIT_MB)


if __name__ == "__main__":
    sys.exit(main())

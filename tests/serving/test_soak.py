"""Memory stays flat over many requests; benchmarks/soak.py does the same for longer, with a network."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
from torch import Tensor, nn

from benchmarks.soak import memory, soak
from sparseinst.serving import stack
from sparseinst.serving.connection import Connection
from sparseinst.storage import Storage
from tests.serving import tiny

REQUESTS = 400
LIMIT_MB = 15.0

CONFIG = """name: "{name}"
backend: "pytorch"
platform: "pytorch_libtorch"
max_batch_size: 4
input [ {{ name: "image", data_type: TYPE_UINT8, dims: [ 3 ] }} ]
output [ {{ name: "masks", data_type: TYPE_UINT8, dims: [ -1 ] }} ]
dynamic_batching {{ }}
"""


class Generous(nn.Module):
    """Little is sent, much comes back: what a server keeps by mistake is large against what its allocators keep."""

    def forward(self, image: Tensor) -> Tensor:
        return image[:, :1].repeat(1, 200_000)


def test_no_reply_is_kept(servers: stack.StackState, models: Storage, name: str, tmp_path: Path):
    tiny.save(Generous(), tmp_path / "1" / "model.pt")
    (tmp_path / "config.pbtxt").write_text(CONFIG.format(name=name))
    models.copy_in(tmp_path, name)
    with Connection(servers.triton_url, timeout_s=60) as connection:
        connection.load(name)

    def ask(connection: Connection, chance: random.Random) -> int:
        image = np.zeros((chance.randint(1, 4), 3), np.uint8)
        return int(connection.infer(name, "", {"image": image}, ["masks"])["masks"].nbytes)

    measured = soak(servers, [ask], REQUESTS, warm_up=100)
    assert measured.reply_kb * REQUESTS / 1e3 > 10 * LIMIT_MB, "a leak of one reply in five would be seen"
    assert {"server", f"{name}_0", "shared"} <= memory(servers).keys()
    assert all(grown < LIMIT_MB for grown in measured.growth_mb.values()), measured

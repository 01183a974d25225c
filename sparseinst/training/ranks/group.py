"""The processes of one training run: one per GPU, or several on CPUs, started by torchrun."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from sparseinst.training.ranks.verdicts import LostRank

# Ranks wait for each other while one of them evaluates, writes or waits for storage; a peer that died is noticed at
# once, by its closed connection, and one that hangs by the watchdog.
_LONGEST_WAIT = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Ranks:
    """This process's place among all, and the device it computes on.

    Tensors on the device are exchanged by NCCL where there are GPUs. What the ranks tell each other about a step goes
    between the CPUs by gloo, so that no GPU has to be waited for.
    """

    rank: int
    world_size: int
    device: torch.device
    control: Any = None  # the gloo group

    @property
    def is_main(self) -> bool:
        return self.rank == 0

    def mean(self, value: Tensor) -> Tensor:
        """The mean of a tensor over all ranks; on the device, without waiting for it."""
        if self.world_size > 1:
            dist.all_reduce(value)
            value = value / self.world_size
        return value

    def table(self, row: Sequence[float]) -> list[list[float]]:
        """The rows that all ranks gave, in the order of the ranks."""
        if self.world_size == 1:
            return [list(row)]
        mine = torch.tensor(row, dtype=torch.float64)
        rows = [torch.empty_like(mine) for _ in range(self.world_size)]
        dist.all_gather(rows, mine, group=self.control)
        return [each.tolist() for each in rows]

    def any(self, flag: bool) -> bool:
        """Whether the flag is set on any rank."""
        return any(row[0] for row in self.table([float(flag)]))

    def gather(self, value: Any) -> list[Any]:
        """What every rank gave, in the order of the ranks; on every rank. Anything that pickle takes."""
        if self.world_size == 1:
            return [value]
        found: list[Any] = [None] * self.world_size
        dist.all_gather_object(found, value, group=self.control)
        return found

    def from_main(self, value: Any) -> Any:
        """Rank 0's value, everywhere: clocks and disks differ, decisions must not."""
        if self.world_size == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, src=0, group=self.control)
        return box[0]

    def wait(self) -> None:
        """Waits until every rank is here."""
        self.table([0.0])


@contextmanager
def joined_ranks() -> Iterator[Ranks]:
    """Joins the process group that torchrun describes in the environment (NCCL on GPUs, gloo on CPUs).

    Raises:
        TrainingError: Another rank went away while this one waited for it.
    """
    rank, world_size = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    local_rank = int(os.environ.get("LOCAL_RANK", "0"))
    if torch.cuda.is_available():
        device = torch.device("cuda", local_rank)
        torch.cuda.set_device(device)
    else:
        device = torch.device("cpu")
    if world_size == 1:
        yield Ranks(0, 1, device)
        return
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=_LONGEST_WAIT)
    try:
        yield Ranks(rank, world_size, device, dist.new_group(backend="gloo", timeout=_LONGEST_WAIT))
    except RuntimeError as error:
        if not _lost_a_peer(error):
            raise
        raise LostRank(
            "Another rank ended while this one waited for it.",
            where=f"rank {rank}",
            fix="See what that rank says; the same command goes on from the last saved state.",
        ) from error
    else:
        dist.destroy_process_group()


def _lost_a_peer(error: RuntimeError) -> bool:
    text = str(error)
    return isinstance(error, dist.DistError) or "gloo" in text or "Connection" in text

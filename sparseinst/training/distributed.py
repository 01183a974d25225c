"""The processes of one training run: one per GPU, or several on CPUs, started by torchrun."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor

from sparseinst.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Ranks:
    """This process's place among all, and the device it computes on."""

    rank: int
    world_size: int
    device: torch.device

    @property
    def is_main(self) -> bool:
        return self.rank == 0

    def mean(self, value: Tensor) -> Tensor:
        """The mean of a tensor over all ranks."""
        if self.world_size > 1:
            dist.all_reduce(value)
            value = value / self.world_size
        return value

    def from_main(self, value: float) -> float:
        """Rank 0's value, everywhere: clocks differ, decisions must not."""
        if self.world_size == 1:
            return value
        tensor = torch.tensor(value, dtype=torch.float64, device=self.device)
        dist.broadcast(tensor, src=0)
        return float(tensor)

    def wait(self) -> None:
        """Waits until every rank is here."""
        if self.world_size > 1:
            dist.barrier()

    def any(self, flag: bool) -> bool:
        """Whether the flag is set on any rank."""
        if self.world_size == 1:
            return flag
        tensor = torch.tensor(float(flag), device=self.device)
        dist.all_reduce(tensor, op=dist.ReduceOp.MAX)
        return bool(tensor > 0)


def require_even_shares(batch_size: int, ranks: int) -> None:
    """Raises a ConfigError where the ranks cannot share a batch evenly."""
    if batch_size % ranks:
        raise ConfigError(
            f"A batch of {batch_size} images cannot be shared by {ranks} ranks.",
            where="train.batch_size",
            fix=f"Choose a multiple of {ranks}.",
        )


@contextmanager
def joined_ranks() -> Iterator[Ranks]:
    """Joins the process group that torchrun describes in the environment (NCCL on GPUs, gloo on CPUs)."""
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
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Ranks(rank, world_size, device)
    finally:
        dist.destroy_process_group()

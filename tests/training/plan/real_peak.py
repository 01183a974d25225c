"""Prints by how many bytes one real forward and backward pass lifts this process's memory.

Arguments: the configuration, images, height, width, objects in each image. A test's subprocess, as only a fresh one
shows its peak; MALLOC_MMAP_THRESHOLD_=65536 makes the allocator give freed blocks back.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from sparseinst.config import load_config
from sparseinst.data.loading.example import Target
from sparseinst.model.network import build_model
from sparseinst.training.criterion import Criterion
from sparseinst.training.targets import collect_targets


def status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) * 1024


def main() -> None:
    config = load_config(sys.argv[1], ["train.precision=fp32"])
    images, height, width, objects = map(int, sys.argv[2:])
    model = build_model(config.model, 80).train()
    criterion = Criterion(config.train)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.grad = torch.zeros_like(parameter)

    def step(height: int, width: int) -> None:
        batch = [torch.randint(0, 255, (3, height, width), dtype=torch.uint8) for _ in range(images)]
        raw = model(batch)
        masks = torch.zeros((objects, height, width), dtype=torch.uint8)
        masks[:, : height // 2] = 1
        targets = [Target(torch.zeros(objects, dtype=torch.int64), masks.clone()) for _ in range(images)]
        grid = (raw["pred_masks"].shape[2], raw["pred_masks"].shape[3])
        losses = criterion(raw, collect_targets(targets, (height, width), grid), 1.0)
        torch.stack(list(losses.values())).sum().backward()

    step(64, 64)  # what libraries take once
    before = status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts here
    step(height, width)
    print(status("VmHWM") - before)


if __name__ == "__main__":
    main()

"""Where the time of a training step goes: data, forward, matcher, criterion, backward, optimizer.

Run: python -m benchmarks.train --data DIR                      ResNet-50 G-IAM on the images of a dataset directory
     python -m benchmarks.train --data DIR --config sample      another configuration
     python -m benchmarks.train                                 8 drawn pictures of 640 x 640 with 10 objects each

Further options: --set train.precision=bf16 (repeatable), --steps 20, --threads 1, --output FILE.json.

What is measured is the trainer's own step. "data" is what the step waited for the loader's processes. The other parts
are processor time of this process on a CPU, the clock on a GPU (which is waited for between the parts, so that the sum
is a little more than a step takes). The last lines compare with the arithmetic floor: the step's operations over the
best rate of the layer that most of the network consists of.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from benchmarks.device import describe
from benchmarks.floor import best_rate, gmacs, median, now
from benchmarks.picture import picture
from sparseinst.config import RunConfig, load_config
from sparseinst.data.categories import Category
from sparseinst.data.loading.dataset import TrainingImages
from sparseinst.data.loading.example import Example, Target
from sparseinst.data.loading.loader import training_loader
from sparseinst.data.loading.sampler import EndlessBatches
from sparseinst.files import write_json
from sparseinst.model.network import build_model
from sparseinst.training.agreement import agree
from sparseinst.training.learner import Learner
from sparseinst.training.precision import DTYPES, Resolved, resolve_precision
from sparseinst.training.ranks.group import Ranks
from sparseinst.training.telling.progress import memory_bytes

_WARM_UP = 3
_PICTURES, _SIDE, _OBJECTS = 8, 640, 10
PARTS = ("data", "forward", "matcher", "criterion", "backward", "optimizer")


def drawn_batch() -> list[Example]:
    """Pictures with discs of 20 to 200 pixels."""
    generator = torch.Generator().manual_seed(0)
    y, x = torch.meshgrid(torch.arange(_SIDE), torch.arange(_SIDE), indexing="ij")
    examples = []
    for index in range(_PICTURES):
        centres = torch.randint(0, _SIDE, (_OBJECTS, 2, 1, 1), generator=generator)
        radii = torch.randint(10, 101, (_OBJECTS, 1, 1), generator=generator)
        masks = (y - centres[:, 0]) ** 2 + (x - centres[:, 1]) ** 2 <= radii**2
        classes = torch.randint(0, 80, (_OBJECTS,), generator=generator)
        examples.append(Example(picture(_SIDE, _SIDE, index), Target(classes, masks), index))
    return examples


class Parts:
    """Times the calls inside a step; what is called inside another part counts for itself only."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.sums: dict[str, float] = defaultdict(float)
        self._inner = [0.0]

    def around(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any, **named: Any) -> Any:
            begin = now(self.device)
            self._inner.append(0.0)
            result = work(*arguments, **named)
            passed, inner = now(self.device) - begin, self._inner.pop()
            self._inner[-1] += passed
            self.sums[name] += passed - inner
            return result

        return timed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a dataset directory; without it pictures are drawn")
    parser.add_argument("--config", default="sparse_inst_r50_giam")
    parser.add_argument("--set", action="append", default=[], dest="overrides")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--output", type=Path, help="a JSON file that gets the figures, beside those it has")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    config = load_config(options.config, ["train.weights=none", *options.overrides])
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    ranks = Ranks(0, 1, device)
    dataset = TrainingImages(options.data, config.input) if options.data else None
    categories = dataset.categories if dataset else [Category(n, f"class {n}") for n in range(1, 81)]
    share = config.train.batch_size if dataset else _PICTURES
    micro_batch = min(share, config.train.micro_batch or share)
    precision = resolve_precision(config.train.precision, device)
    learner = Learner(build_model(config.model, len(categories)), config.train, ranks, micro_batch, precision)
    learner.start()
    loader = _loader(dataset, config, _WARM_UP + options.steps)
    measured = [_step(learner, loader, config, number) for number in range(_WARM_UP + options.steps)][_WARM_UP:]
    figures = _figures(config, measured, device, precision)
    figures |= {"threads": options.threads, "micro_batch": micro_batch, "data": "drawn" if dataset is None else "files"}
    _print(figures)
    if options.output:
        known = json.loads(options.output.read_text()) if options.output.is_file() else {}
        name = " ".join([options.config, *options.overrides])
        write_json(options.output, {**known, name: figures})


def _loader(dataset: TrainingImages | None, config: RunConfig, steps: int) -> Iterator[list[Example]]:
    if dataset is None:
        return iter([drawn_batch()] * steps)
    size, seed = config.train.batch_size, config.train.seed
    batches = EndlessBatches(dataset.tall, batch_size=size, seed=seed, start=0, stop=steps)
    return training_loader(dataset, batches, config.input.workers)


def _step(learner: Learner, loader: Iterator[list[Example]], config: RunConfig, number: int) -> dict[str, float]:
    """Seconds of each part, the step's own by the clock ("wall"), and how many pixels it had."""
    parts = Parts(learner.ranks.device)
    begin = time.perf_counter()
    examples = next(loader)
    waited = time.perf_counter() - begin
    agreed = agree(learner.ranks, examples, num_masks=config.model.num_masks, stop=False, bad_images=0, seconds=0.0)
    names = {"_network": "forward", "losses": "criterion", "_update": "optimizer"}
    honest = {name: getattr(learner, name) for name in names}
    matcher = learner.criterion.matcher
    for name, part in names.items():
        setattr(learner, name, parts.around(part, honest[name]))
    learner.criterion.matcher = parts.around("matcher", matcher)  # type: ignore[assignment]
    try:
        parts.around("backward", learner.step)(examples, agreed, 1e-6, (0, number))  # what is left is the backward pass
    finally:
        for name, value in honest.items():
            setattr(learner, name, value)
        learner.criterion.matcher = matcher
    height, width = agreed.padded
    wall = time.perf_counter() - begin
    return {**parts.sums, "data": waited, "wall": wall, "images": len(examples), "pixels": height * width}


def _figures(
    config: RunConfig, measured: list[dict[str, float]], device: torch.device, precision: Resolved
) -> dict[str, Any]:
    seconds = {part: median([step.get(part, 0.0) for step in measured]) for part in PARTS}
    images, pixels = measured[0]["images"], median([step["pixels"] for step in measured])
    work = sum(seconds[part] for part in PARTS if part != "data")
    rate = best_rate(device, DTYPES[precision])
    floor = (
        3 * 2 * gmacs(config.model, 640, 640) * images * pixels / 640**2 / rate
    )  # a backward pass is twice a forward pass
    wait = sum(step["data"] for step in measured) / sum(step["wall"] for step in measured)
    return {
        "device": describe(device),
        "precision": precision,
        "compile": config.train.compile,
        "images_a_step": int(images),
        "ms_a_step": {part: round(1000 * value, 2) for part, value in seconds.items()},
        "images_per_second": round(images / (work + seconds["data"]), 2),
        "data_wait_share": round(wait, 4),
        "workers": config.input.workers,
        "memory_gb": round(memory_bytes() / 1e9, 2),
        "floor_ms": round(1000 * floor, 1),
        "times_the_floor": round(work / floor, 2),
        "steps": len(measured),
    }


def _print(figures: dict[str, Any]) -> None:
    whole = sum(figures["ms_a_step"].values())
    print(f"{figures['images_a_step']} images a step, {figures['precision']}, {figures['device']}")
    for part, value in figures["ms_a_step"].items():
        print(f"  {part:<10} {value:9.1f} ms  {100 * value / whole:5.1f} %")
    print(
        f"{figures['images_per_second']:.1f} images/s; loader wait {100 * figures['data_wait_share']:.1f} % of the time"
    )
    print(f"{figures['times_the_floor']:.2f} times the arithmetic floor ({figures['floor_ms']:.0f} ms)")


if __name__ == "__main__":
    main()

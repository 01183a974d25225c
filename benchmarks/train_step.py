"""Where the time of a training iteration goes, in milliseconds: of this process on a CPU, by the clock on a GPU.

Run: python -m benchmarks.train_step                          ResNet-50 G-IAM, 8 pictures of 640 x 640 with 10 objects
     python -m benchmarks.train_step --data DIR --config sample   the images of a dataset directory, loading included

Further options: --set train.precision=bf16, --iterations 16, --threads 1.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from benchmarks.floor import median, now
from benchmarks.picture import picture
from sparseinst.config import RunConfig, load_config
from sparseinst.data.categories import Category
from sparseinst.data.loading.dataset import TrainingImages
from sparseinst.data.loading.example import Example, Target
from sparseinst.data.loading.loader import training_loader
from sparseinst.data.loading.sampler import EndlessBatches
from sparseinst.data.origin import DataOrigin
from sparseinst.training.distributed import Ranks
from sparseinst.training.session import Session

_WARM_UP = 2
_PICTURES, _SIDE, _OBJECTS = 8, 640, 10


class DrawnImages:
    """Stands in for a data set of 80 classes where only the cost of the network and of the losses is asked for."""

    categories = tuple(Category(number, f"class {number}") for number in range(1, 81))

    @staticmethod
    def batch() -> list[Example]:
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a dataset directory; without it pictures are drawn")
    parser.add_argument("--config", default="sparse_inst_r50_giam")
    parser.add_argument("--set", action="append", default=[], dest="overrides")
    parser.add_argument("--iterations", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    overrides = options.overrides if options.data else ["train.weights=none", *options.overrides]
    config = load_config(options.config, overrides)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    dataset = TrainingImages(options.data, config.input) if options.data else DrawnImages()
    session = Session(config, dataset, Ranks(0, 1, device), Path(), DataOrigin())  # type: ignore[arg-type]
    loader = _loader(dataset, config, _WARM_UP + options.iterations)
    times: dict[str, list[float]] = defaultdict(list)
    for _ in range(_WARM_UP + options.iterations):
        _iterate(session, loader, times, device)
    _report(config, times, options.iterations, len(next(loader, [])) or config.train.batch_size)


def _loader(dataset: TrainingImages | DrawnImages, config: RunConfig, stop: int) -> Iterator[list[Example]]:
    if isinstance(dataset, DrawnImages):
        batch = dataset.batch()
        return iter([batch] * (stop + 1))
    size, seed = config.train.batch_size, config.train.seed
    batches = EndlessBatches(dataset.tall, batch_size=size, seed=seed, start=0, stop=stop + 1)
    return iter(training_loader(dataset, batches, workers=0))


def _iterate(
    session: Session, loader: Iterator[list[Example]], times: dict[str, list[float]], device: torch.device
) -> None:
    @contextmanager
    def part(name: str) -> Iterator[None]:
        started = now(device)
        yield
        times[name].append(1000 * (now(device) - started))

    model = session.model.train()
    with part("data"):
        examples = next(loader)
        images = [example.image.to(device) for example in examples]
    with part("forward"), session.autocast:
        raw = model(images)
    with part("matcher and losses"):
        losses = session.losses(raw, examples)
        total = torch.stack(list(losses.values())).sum()
    session.optimizer.zero_grad(set_to_none=True)
    with part("backward"):
        total.backward()
    with part("optimizer"):
        session.optimizer.step()


def _report(config: RunConfig, times: dict[str, list[float]], iterations: int, images: int) -> None:
    medians = {name: median(values[_WARM_UP:]) for name, values in times.items()}
    whole = sum(medians.values())
    print(f"{config.model.name}, {images} images, {config.train.precision}: {whole:.0f} ms an iteration,")
    print(f"{1000 * images / whole:.1f} images/s; medians of {iterations}")
    for name, value in medians.items():
        print(f"  {name:<19} {value:8.1f} ms  {100 * value / whole:4.1f} %")
    network = medians["forward"] + medians["backward"]
    print(f"matcher and losses are {100 * medians['matcher and losses'] / network:.1f} % of forward and backward")


if __name__ == "__main__":
    main()

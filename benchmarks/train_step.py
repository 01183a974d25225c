"""Where the time of a training iteration goes, on one thread, in CPU milliseconds.

Run: OMP_NUM_THREADS=1 python -m benchmarks.train_step --data DATASET_DIRECTORY [--config sample] [--iterations 16]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from sparseinst.config import load_config
from sparseinst.data.dataset import TrainingImages
from sparseinst.data.loading import EndlessBatches, training_loader
from sparseinst.training.distributed import Ranks
from sparseinst.training.session import Session

_WARM_UP = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--config", default="sample")
    parser.add_argument("--set", action="append", default=[], dest="overrides")
    parser.add_argument("--iterations", type=int, default=16)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    config = load_config(options.config, options.overrides)
    dataset = TrainingImages(options.data, config.input)
    session = Session(config, dataset, Ranks(0, 1, torch.device("cpu")), Path(), dataset_id="")
    stop = _WARM_UP + options.iterations
    batches = EndlessBatches(dataset.tall, batch_size=config.train.batch_size, seed=0, start=0, stop=stop)
    loader = iter(training_loader(dataset, batches, workers=0))
    model = session.model.train()
    times: dict[str, list[float]] = defaultdict(list)

    @contextmanager
    def clock(part: str) -> Iterator[None]:
        started = time.process_time()
        yield
        times[part].append(1000 * (time.process_time() - started))

    for _ in range(stop):
        with clock("data"):
            examples = next(loader)
        images = [example.image for example in examples]
        with clock("forward"), session.autocast:
            raw = model(images)
        with clock("matcher and losses"):
            losses = session.losses(raw, examples)
        session.optimizer.zero_grad(set_to_none=True)
        total = torch.stack(list(losses.values())).sum()
        with clock("backward"):
            total.backward()
        with clock("optimizer"):
            session.optimizer.step()
    medians = {part: statistics.median(values[_WARM_UP:]) for part, values in times.items()}
    whole = sum(medians.values())
    print(
        f"{config.model.name}, batch {config.train.batch_size}, {config.train.precision}: {whole:.0f} ms an iteration,"
    )
    print(f"{1000 * config.train.batch_size / whole:.0f} images/s on one thread; medians of {options.iterations}")
    for part, median in medians.items():
        print(f"  {part:<19} {median:7.1f} ms  {100 * median / whole:3.0f} %")


if __name__ == "__main__":
    main()

"""One training run, from a dataset directory to `checkpoint.pt`; it goes on from `last.pt` when there is one.

Reads top to bottom: `train` prepares, `_Run.step` is one iteration.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from sparseinst.config import RunConfig
from sparseinst.data.dataset import TrainingImages
from sparseinst.data.example import Example
from sparseinst.data.loading import EndlessBatches, training_loader
from sparseinst.errors import ConfigError, Preempted, TrainingError
from sparseinst.log import get_logger
from sparseinst.manifest import read_manifest, write_manifest
from sparseinst.model.network import SparseInst, build_model
from sparseinst.training.checkpoint import (
    MODEL_NAME,
    TRAINING_NAME,
    Checkpoint,
    load_checkpoint,
    save_checkpoint,
)
from sparseinst.training.config import TrainConfig
from sparseinst.training.criterion import Criterion
from sparseinst.training.distributed import Ranks, joined_ranks
from sparseinst.training.optimizer import build_optimizer, learning_rate
from sparseinst.training.progress import Progress
from sparseinst.training.targets import collect_targets

log = get_logger("train")

_PRECISIONS = {"bf16": torch.bfloat16, "fp16": torch.float16}
_MOST_BAD_STEPS = 20


@dataclass(frozen=True, slots=True)
class TrainResult:
    """What a run made."""

    checkpoint: Path
    iterations: int
    seconds: float


def train(data: Path, output: Path, config: RunConfig) -> TrainResult:
    """Trains in this process, as one of the ranks when torchrun started it.

    Args:
        data: A dataset directory, as `sparseinst ingest` makes it.
        output: Gets checkpoint.pt, last.pt, manifest.json, metrics.jsonl and tensorboard/.
        config: The resolved configuration.

    Raises:
        DatasetError: The data cannot be read.
        ConfigError: The batch does not divide by the ranks, or `output` holds a run of another configuration.
        TrainingError: The loss stays non-finite.
        Preempted: SIGTERM came; the state is saved and the same call goes on.
    """
    dataset = TrainingImages(data, config.input)
    manifest = read_manifest(data)
    with joined_ranks() as ranks:
        _check(config, dataset, ranks)
        torch.manual_seed(config.train.seed)
        run = _Run(config, dataset, ranks, output, str(manifest["id"]))
        run.resume()
        seconds = run.loop()
        if ranks.is_main:
            _finish(run, output, config, str(manifest["id"]), seconds)
        return TrainResult(output / MODEL_NAME, run.iteration, seconds)


def _check(config: RunConfig, dataset: TrainingImages, ranks: Ranks) -> None:
    if config.train.batch_size % ranks.world_size:
        raise ConfigError(
            f"A batch of {config.train.batch_size} images cannot be shared by {ranks.world_size} ranks.",
            where="train.batch_size",
            fix=f"Choose a multiple of {ranks.world_size}.",
        )
    if ranks.is_main and dataset.most_objects > config.model.num_masks:
        log.warning(
            "an image has %d objects, the model has %d queries: the surplus is not learned. Set model.num_masks.",
            dataset.most_objects,
            config.model.num_masks,
        )


class _Run:
    """The state of a run: what `last.pt` holds, plus what is rebuilt from the configuration."""

    def __init__(self, config: RunConfig, dataset: TrainingImages, ranks: Ranks, output: Path, dataset_id: str) -> None:
        self.config, self.dataset, self.ranks, self.output, self.dataset_id = config, dataset, ranks, output, dataset_id
        self.model: SparseInst = build_model(config.model, len(dataset.categories)).to(ranks.device)
        if config.train.channels_last:
            self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.ema = _average(self.model, config.train)
        self.optimizer = build_optimizer(self.model, config.train)
        self.criterion = Criterion(config.train)
        dtype = _PRECISIONS.get(config.train.precision)
        self.autocast = torch.autocast(ranks.device.type, dtype) if dtype else nullcontext()
        self.scaler = torch.amp.GradScaler(ranks.device.type, enabled=dtype is torch.float16)
        self.iteration = 0
        self.seconds_before = 0.0
        self.bad_steps = 0

    def resume(self) -> None:
        """Takes up the state in `last.pt`, if there is one.

        Raises:
            ConfigError: It belongs to another configuration or other data.
        """
        path = self.output / TRAINING_NAME
        if not path.exists():
            return
        saved = load_checkpoint(path)
        if saved.config != self.config or saved.dataset_id != self.dataset_id or saved.training is None:
            raise ConfigError(
                "The output directory holds a run with another configuration or other data.",
                where=str(path),
                fix="Give a new --output, or delete the old one.",
            )
        state = saved.training
        self.model.load_state_dict(state["model"])
        if self.ema is not None:
            self.ema.load_state_dict(state["ema"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        self.iteration, self.seconds_before = saved.iteration, state["seconds"]
        log.info("resuming at iteration %d", self.iteration)

    def save(self, seconds: float) -> None:
        training = {
            "model": self.model.state_dict(),
            "ema": None if self.ema is None else self.ema.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "seconds": seconds,
        }
        save_checkpoint(self.output / TRAINING_NAME, self.checkpoint(training))

    def checkpoint(self, training: dict[str, Any] | None = None) -> Checkpoint:
        model = self.model if self.ema is None else self.ema.module
        weights = {name: tensor.detach().cpu() for name, tensor in model.state_dict().items()}
        categories = self.dataset.categories
        return Checkpoint(weights, self.config, categories, self.iteration, self.dataset_id, training)

    def loop(self) -> float:
        """Runs to the end and returns the seconds of training, those before a resume included."""
        settings, ranks = self.config.train, self.ranks
        network = self._wrapped().train()
        batches = EndlessBatches(
            self.dataset.tall,
            batch_size=settings.batch_size,
            seed=settings.seed,
            start=self.iteration,
            stop=settings.iterations,
            rank=ranks.rank,
            world_size=ranks.world_size,
        )
        loader = training_loader(self.dataset, batches, self.config.input.workers)
        stop = _StopSignal()
        begin = asked = time.monotonic()
        with self._reporter() as progress:
            for examples in loader:
                waited = time.monotonic() - asked
                done = self._progress(ranks.from_main(time.monotonic() - begin))
                if done >= 1:
                    break
                lr = learning_rate(settings, self.iteration, done)
                losses = self.step(network, examples, lr)
                self.iteration += 1
                seconds = self.seconds_before + time.monotonic() - begin
                if progress:
                    progress.add(losses, waited)
                    if self.iteration % settings.log_every == 0 or self.iteration == settings.iterations:
                        progress.report(self.iteration, lr, self._progress(time.monotonic() - begin))
                self._save_or_stop(ranks.any(stop.came), seconds)
                asked = time.monotonic()
        return self.seconds_before + time.monotonic() - begin

    def _wrapped(self) -> nn.Module:
        """The model as the ranks train it together."""
        if self.ranks.world_size == 1:
            return self.model
        ids = [self.ranks.device.index] if self.ranks.device.type == "cuda" else None
        return DistributedDataParallel(self.model, device_ids=ids, broadcast_buffers=False)

    def _reporter(self) -> AbstractContextManager[Progress | None]:
        if not self.ranks.is_main:
            return nullcontext()
        settings = self.config.train
        return closing(Progress(self.output, settings.iterations, settings.batch_size, self.iteration))

    def _progress(self, seconds: float) -> float:
        """How much of the run is done, 0 to 1: by iterations, or by time where the limit would come first."""
        settings = self.config.train
        limit = 60 * settings.max_minutes
        by_time = (self.seconds_before + seconds) / limit if limit else 0.0
        return min(1.0, max(self.iteration / settings.iterations, by_time))

    def _save_or_stop(self, stopping: bool, seconds: float) -> None:
        settings = self.config.train
        last = self.iteration == settings.iterations
        if self.ranks.is_main and (stopping or last or self.iteration % settings.checkpoint_every == 0):
            self.save(seconds)
        if stopping and not last:
            raise Preempted(
                f"Stopped by a signal at iteration {self.iteration}; the state is saved.",
                where=str(self.output / TRAINING_NAME),
                fix="Run the same command again: it goes on from there.",
            )

    def step(self, network: nn.Module, examples: Sequence[Example], lr: float) -> dict[str, float]:
        """One iteration: forward, losses, backward, update. Returns the losses for the report."""
        device = self.ranks.device
        images = [example.image.to(device, non_blocking=True) for example in examples]
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        with self.autocast:
            raw = network(images)
        losses = self._losses(raw, examples)
        total = torch.stack(list(losses.values())).sum()
        if self.ranks.any(not bool(torch.isfinite(total))):
            self._skip()
            return dict.fromkeys(losses, 0.0)
        self.bad_steps = 0
        self.optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(total).backward()
        if self.config.train.clip_gradient_norm:
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.model.parameters(), self.config.train.clip_gradient_norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        if self.ema is not None:
            self.ema.update_parameters(self.model)
        return {name: float(loss.detach()) for name, loss in losses.items()}

    def _losses(self, raw: dict[str, Tensor], examples: Sequence[Example]) -> dict[str, Tensor]:
        grid = (raw["pred_masks"].shape[2], raw["pred_masks"].shape[3])
        padded = (grid[0] * 4, grid[1] * 4)
        targets = collect_targets([example.target.to(self.ranks.device) for example in examples], padded, grid)
        count = torch.tensor(float(len(targets.classes)), device=self.ranks.device)
        return self.criterion(raw, targets, self.ranks.mean(count).clamp(min=1))

    def _skip(self) -> None:
        self.bad_steps += 1
        log.warning("the loss of iteration %d is not finite: the step is skipped", self.iteration)
        if self.bad_steps >= _MOST_BAD_STEPS:
            raise TrainingError(
                f"The loss was not finite for {self.bad_steps} iterations in a row.",
                where=f"iteration {self.iteration}",
                fix="Lower train.lr, set train.clip_gradient_norm=1, or train with train.precision=fp32.",
            )


class _StopSignal:
    """Remembers that SIGTERM came; the loop asks at the end of each iteration."""

    def __init__(self) -> None:
        self.came = False
        if threading.current_thread() is threading.main_thread():  # elsewhere Python allows no handlers
            signal.signal(signal.SIGTERM, self._note)

    def _note(self, *_: object) -> None:
        self.came = True


def _average(model: nn.Module, config: TrainConfig) -> AveragedModel | None:
    if not config.ema_decay:
        return None
    return AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(config.ema_decay), use_buffers=True)


def _finish(run: _Run, output: Path, config: RunConfig, dataset_id: str, seconds: float) -> None:
    weights = run.checkpoint()
    bad = [name for name, tensor in weights.weights.items() if not bool(torch.isfinite(tensor.float()).all())]
    if bad:
        raise TrainingError("The trained weights are not finite.", details=bad[:10], fix="Lower train.lr.")
    save_checkpoint(output / MODEL_NAME, weights)
    write_manifest(
        output,
        kind="checkpoint",
        inputs={"dataset": dataset_id},
        settings=config.to_dict(),
        files=[output / MODEL_NAME],
        facts={"iterations": run.iteration, "seconds": round(seconds, 1), "ranks": run.ranks.world_size},
    )
    log.info("%d iterations in %.1f min: %s", run.iteration, seconds / 60, output / MODEL_NAME)

"""The state of one training run, and how it moves: `loop` runs to the end, `step` is one iteration."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from sparseinst.config import RunConfig
from sparseinst.data.loading.dataset import TrainingImages
from sparseinst.data.loading.example import Example
from sparseinst.data.loading.loader import training_loader
from sparseinst.data.loading.sampler import EndlessBatches
from sparseinst.data.origin import DataOrigin
from sparseinst.errors import ConfigError, Preempted, TrainingError
from sparseinst.log import get_logger
from sparseinst.model.network import SparseInst, build_model
from sparseinst.model.preprocessing import padded_size
from sparseinst.training.checkpoint import TRAINING_NAME, Checkpoint, load_checkpoint, save_checkpoint
from sparseinst.training.config import TrainConfig
from sparseinst.training.criterion import Criterion
from sparseinst.training.distributed import Ranks
from sparseinst.training.optimizer import build_optimizer, learning_rate
from sparseinst.training.progress import Progress
from sparseinst.training.start import start_from
from sparseinst.training.stop_signal import StopSignal
from sparseinst.training.targets import collect_targets

log = get_logger("train")

_PRECISIONS = {"bf16": torch.bfloat16, "fp16": torch.float16}
_MOST_BAD_STEPS = 20


class Session:
    """The state of a run: what `last.pt` holds, plus what is rebuilt from the configuration."""

    def __init__(
        self, config: RunConfig, dataset: TrainingImages, ranks: Ranks, output: Path, data: DataOrigin
    ) -> None:
        self.config, self.dataset, self.ranks, self.output, self.data = config, dataset, ranks, output, data
        self.model: SparseInst = build_model(config.model, len(dataset.categories))
        resumes = (output / TRAINING_NAME).exists()
        self.weights_sha256 = "" if resumes else start_from(self.model, config.train.weights, ranks)
        self.model.to(ranks.device)
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
        if saved.config != self.config or saved.data.id != self.data.id or saved.training is None:
            raise ConfigError(
                "The output directory holds a run with another configuration or other data.",
                where=str(path),
                fix="Give a new --output, or delete the old one.",
            )
        state = saved.training
        self.model.load_state_dict(saved.weights if self.ema is None else state["model"])
        if self.ema is not None:
            self.ema.load_state_dict(state["ema"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        self.iteration, self.seconds_before = saved.iteration, state["seconds"]
        self.weights_sha256 = state.get("weights_sha256", "")
        log.info("resuming at iteration %d", self.iteration)

    def save(self, seconds: float) -> None:
        training = {
            "model": None if self.ema is None else self.model.state_dict(),  # else the weights are the average
            "ema": None if self.ema is None else self.ema.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "seconds": seconds,
            "weights_sha256": self.weights_sha256,
        }
        save_checkpoint(self.output / TRAINING_NAME, self.checkpoint(training))

    def checkpoint(self, training: dict[str, Any] | None = None) -> Checkpoint:
        model = self.model if self.ema is None else self.ema.module
        weights = {name: tensor.detach().cpu() for name, tensor in model.state_dict().items()}
        categories = self.dataset.categories
        return Checkpoint(weights, self.config, categories, self.iteration, self.data, training)

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
        stop = StopSignal()
        begin = asked = time.monotonic()
        with self._reporter() as progress:
            for examples in loader:
                waited = time.monotonic() - asked
                seconds = ranks.from_main(time.monotonic() - begin) if settings.max_minutes else 0.0
                done = self._progress(seconds)
                if done >= 1:
                    self._end_in_time(self.seconds_before + time.monotonic() - begin)
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

    def _end_in_time(self, seconds: float) -> None:
        settings = self.config.train
        if self.ranks.is_main:
            self.save(seconds)
            log.info(
                "the limit of %g minutes ended the run at iteration %d of %d; the schedule was squeezed to fit",
                settings.max_minutes,
                self.iteration,
                settings.iterations,
            )

    def _save_or_stop(self, stopping: bool, seconds: float) -> None:
        settings = self.config.train
        last = self.iteration == settings.iterations
        if self.ranks.is_main and (stopping or last or self.iteration % settings.checkpoint_every == 0):
            self.save(seconds)
        if stopping and not last:
            self.ranks.wait()  # torchrun ends all ranks as soon as one has ended
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
        losses = self.losses(raw, examples)
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

    def losses(self, raw: dict[str, Tensor], examples: Sequence[Example]) -> dict[str, Tensor]:
        """The weighted losses of a batch (see `Criterion`)."""
        grid = (raw["pred_masks"].shape[2], raw["pred_masks"].shape[3])
        padded = padded_size([example.image for example in examples])
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


def _average(model: nn.Module, config: TrainConfig) -> AveragedModel | None:
    if not config.ema_decay:
        return None
    return AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(config.ema_decay), use_buffers=True)

"""One training run as it stands: what learns, how far it is, where it is saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sparseinst.config import RunConfig
from sparseinst.data.loading.dataset import TrainingImages
from sparseinst.data.origin import DataOrigin
from sparseinst.errors import ConfigError
from sparseinst.log import get_logger
from sparseinst.model.network import build_model
from sparseinst.training.checkpoint import Checkpoint
from sparseinst.training.determinism import replace_pooling
from sparseinst.training.learner import Learner
from sparseinst.training.micro_batch import choose_micro_batch
from sparseinst.training.precision import Resolved, resolve_precision
from sparseinst.training.ranks.group import Ranks
from sparseinst.training.standing import Standing
from sparseinst.training.start import start_from
from sparseinst.training.state.snapshot import snapshot

log = get_logger("train")

# What may be set anew when a run goes on: it does not change what is computed, or not what was computed so far.
_FREE = {
    "input": {"workers", "cache_gb", "bad_images"},
    "train": {
        "micro_batch",
        "eval_every",
        "checkpoint_every",
        "keep_states",
        "bad_steps",
        "watchdog_minutes",
        "cpu_ranks",
        "log_every",
        "max_minutes",
    },
}
_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


@dataclass(frozen=True, slots=True)
class Origins:
    """What the model was made from: the data, and the file of weights that training started from."""

    data: DataOrigin
    weights_sha256: str


class Session:
    """The state of a run: what is saved, plus what is rebuilt from the configuration."""

    def __init__(
        self,
        config: RunConfig,
        dataset: TrainingImages,
        ranks: Ranks,
        output: Path,
        data: DataOrigin,
        saved: Checkpoint | None = None,
    ) -> None:
        """A new run, or one that goes on from a saved state.

        Raises:
            ConfigError: The state belongs to another configuration or other data.
            SparseInstError: The weights that training starts from cannot be had, or do not fit.
        """
        self.config, self.dataset, self.ranks, self.output = config, dataset, ranks, output
        state = _training_state(saved, config, data, output) if saved else {}
        torch.manual_seed(config.train.seed)
        model = build_model(config.model, len(dataset.categories))
        if config.train.deterministic:
            replace_pooling(model)
        begin = state.get("weights_sha256")
        weights = start_from(model, config.train.weights, ranks, dataset.categories) if begin is None else begin
        self.origins = Origins(data, weights)
        micro_batch = choose_micro_batch(config, ranks, dataset, state.get("micro_batch", 0))
        self.precision: Resolved = state.get("precision") or resolve_precision(config.train.precision, ranks.device)
        self.learner = Learner(model, config.train, ranks, micro_batch, self.precision)
        self.standing = Standing()
        self.progress_state: Mapping[str, Any] | None = None
        if saved:
            self.learner.load({"model": saved.weights, **state})
            self.standing = Standing.of(state["standing"])
            self.progress_state = state["progress"]
            _say_resumed(state, self.standing, ranks)
        self.learner.start()

    def checkpoint(self, progress: Mapping[str, Any] | None = None) -> Checkpoint:
        """The model as it is now; with what `Progress.state` gives, all that a run needs to go on. Copied."""
        weights = self.learner.weights()
        if progress is None:
            return self._pack(snapshot(weights), None)
        state = self.learner.state()
        if self.learner.ema is None:
            del state["model"]  # it is the weights
        training = {
            **state,
            "standing": self.standing.to_dict(),
            "progress": dict(progress),
            "weights_sha256": self.origins.weights_sha256,
            "micro_batch": self.learner.micro_batch,
            "precision": self.precision,
            "world_size": self.ranks.world_size,
        }
        copied = snapshot({"weights": weights, "training": training})
        return self._pack(copied["weights"], copied["training"])

    def shared_model(self) -> Checkpoint:
        """The model as rank 0 has it, on every rank: the statistics of norms differ, all else is equal."""
        made = self.checkpoint()
        own = {name: tensor for name, tensor in made.weights.items() if name.endswith(_STATISTICS)}
        return self._pack({**made.weights, **(self.ranks.from_main(own) if own else {})}, None)

    def _pack(self, weights: Mapping[str, Tensor], training: Mapping[str, Any] | None) -> Checkpoint:
        categories = self.dataset.categories
        return Checkpoint(weights, self.config, categories, self.standing.iteration, self.origins.data, training)


def _training_state(saved: Checkpoint, config: RunConfig, data: DataOrigin, output: Path) -> dict[str, Any]:
    """What the state says beyond the weights, after the run was found to be the same."""
    differences = [] if saved.data.id == data.id else ["the data"]
    before, now = saved.config.to_dict(), config.to_dict()
    for section, settings in now.items():
        for name, value in settings.items():
            if name not in _FREE.get(section, ()) and before[section].get(name) != value:
                differences.append(f"{section}.{name}: {before[section].get(name)} then, {value} now")
    if differences or saved.training is None:
        raise ConfigError(
            "The output directory holds a run with another configuration or other data.",
            where=str(output),
            details=differences,
            fix="Give a new --output (train.weights=…/checkpoint.pt starts from what was learned), or delete the old.",
        )
    return dict(saved.training)


def _say_resumed(state: Mapping[str, Any], standing: Standing, ranks: Ranks) -> None:
    log.info("resuming at iteration %d", standing.iteration)
    if state["world_size"] != ranks.world_size:
        log.info(
            "%d ranks, before %d: the images come in the same batches; sums may differ in the last bits",
            ranks.world_size,
            state["world_size"],
        )

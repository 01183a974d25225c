"""One training run, from a dataset directory to `checkpoint.pt`; it goes on from `last.pt` when there is one.

`session.py` holds what happens in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from sparseinst.config import RunConfig
from sparseinst.data.loading.dataset import TrainingImages
from sparseinst.data.origin import DataOrigin
from sparseinst.errors import TrainingError
from sparseinst.log import get_logger
from sparseinst.manifest import read_manifest, write_manifest
from sparseinst.storage.request import without_secrets
from sparseinst.training.checkpoint import MODEL_NAME, save_checkpoint
from sparseinst.training.distributed import Ranks, joined_ranks, require_even_shares
from sparseinst.training.session import Session
from sparseinst.training.start import NO_WEIGHTS

log = get_logger("train")


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
        StorageError: The weights that training starts from cannot be fetched.
        SparseInstError: They cannot be read, or do not fit the model.
        TrainingError: The loss stays non-finite.
        Preempted: SIGTERM came; the state is saved and the same call goes on.
    """
    dataset = TrainingImages(data, config.input)
    origin = DataOrigin.of(read_manifest(data))
    with joined_ranks() as ranks:
        _check(config, dataset, ranks)
        torch.manual_seed(config.train.seed)
        run = Session(config, dataset, ranks, output, origin)
        run.resume()
        seconds = run.loop()
        if ranks.is_main:
            _finish(run, output, config, seconds)
        return TrainResult(output / MODEL_NAME, run.iteration, seconds)


def _check(config: RunConfig, dataset: TrainingImages, ranks: Ranks) -> None:
    require_even_shares(config.train.batch_size, ranks.world_size)
    has_frozen_norms = config.model.norm == "frozen_bn" and not config.model.backbone.startswith("pvt")
    if ranks.is_main and has_frozen_norms and config.train.weights == NO_WEIGHTS:
        log.warning("the norms are frozen and the weights are random: little will be learned. Set model.norm=bn.")
    if ranks.is_main and dataset.most_objects > config.model.num_masks:
        log.warning(
            "an image has %d objects, the model has %d queries: the surplus is not learned. Set model.num_masks.",
            dataset.most_objects,
            config.model.num_masks,
        )


def _finish(run: Session, output: Path, config: RunConfig, seconds: float) -> None:
    weights = run.checkpoint()
    bad = [name for name, tensor in weights.weights.items() if not bool(torch.isfinite(tensor.float()).all())]
    if bad:
        raise TrainingError("The trained weights are not finite.", details=bad[:10], fix="Lower train.lr.")
    save_checkpoint(output / MODEL_NAME, weights)
    write_manifest(
        output,
        kind="checkpoint",
        inputs={**run.data.inputs(), **_start(run, config)},
        settings=config.to_dict(),
        files=[output / MODEL_NAME],
        facts={"iterations": run.iteration, "seconds": round(seconds, 1), "ranks": run.ranks.world_size},
    )
    log.info("%d iterations in %.1f min: %s", run.iteration, seconds / 60, output / MODEL_NAME)


def _start(run: Session, config: RunConfig) -> dict[str, str]:
    """The weights that training started from, for the manifest; nothing where they were random."""
    if config.train.weights == NO_WEIGHTS:
        return {}
    return {"weights": run.weights_sha256, "weights_place": without_secrets(config.train.weights)}

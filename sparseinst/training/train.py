"""One training run, from a dataset directory to `checkpoint.pt`; it goes on from the newest saved state there is.

`loop.py` holds what happens in between.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout

from sparseinst.config import RunConfig
from sparseinst.data.loading.dataset import TrainingImages
from sparseinst.data.origin import DataOrigin
from sparseinst.errors import TrainingError
from sparseinst.log import get_logger
from sparseinst.manifest import read_manifest, write_manifest
from sparseinst.storage import open_storage
from sparseinst.storage.request import without_secrets
from sparseinst.training.cautions import warn_about
from sparseinst.training.checkpoint import BEST_NAME, Checkpoint, load_checkpoint, save_checkpoint
from sparseinst.training.config import NO_WEIGHTS
from sparseinst.training.determinism import deterministic
from sparseinst.training.exam import Exam
from sparseinst.training.loop import Loop
from sparseinst.training.order import MODEL_NAME, Surroundings, TrainResult
from sparseinst.training.ranks.group import Ranks, joined_ranks
from sparseinst.training.ranks.shares import require_even_shares
from sparseinst.training.session import Session
from sparseinst.training.state.mirror import Mirror
from sparseinst.training.state.store import StateStore
from sparseinst.training.trouble.stop import StopRequest

log = get_logger("train")


def train(data: Path, output: Path, config: RunConfig, surroundings: Surroundings | None = None) -> TrainResult:
    """Trains in this process, as one of the ranks when torchrun started it.

    Args:
        data: A dataset directory, as `sparseinst ingest` makes it.
        output: Gets checkpoint.pt, best.pt, state/, manifest.json, metrics.jsonl, timing.jsonl, events.jsonl,
            train.html and tensorboard/.
        config: The resolved configuration.
        surroundings: What does not change the model.

    Raises:
        DatasetError: The data cannot be read.
        ConfigError: The batch does not divide by the ranks, or `output` holds a run of another configuration.
        StorageError: The weights that training starts from cannot be fetched, or states cannot be written.
        SparseInstError: They cannot be read, or do not fit the model.
        TrainingError: The loss stays non-finite, workers keep dying, or nothing moves any more.
        Preempted: A signal or the deadline came; the state is saved and the same call goes on.
    """
    surroundings = surroundings or Surroundings()
    with StopRequest(surroundings.deadline_s) as stop:
        dataset = TrainingImages(data, config.input)
        origin = DataOrigin.of(read_manifest(data))
        with joined_ranks() as ranks, _one_voice(ranks), deterministic(config, ranks.device):
            require_even_shares(config.train.batch_size, ranks.world_size)
            notes = warn_about(config, dataset, ranks.world_size) if ranks.is_main else []
            mirror = Mirror(open_storage(surroundings.mirror)) if surroundings.mirror and ranks.is_main else None
            with StateStore(output, config.train.keep_states, mirror) as store:
                saved: Checkpoint | None = ranks.from_main(store.newest() if ranks.is_main else None)
                session = Session(config, dataset, ranks, output, origin, saved)
                exam = Exam(data, ranks) if config.train.eval_every and Exam.is_possible(data) else None
                with _locked(output, ranks):
                    Loop(session, exam, stop, store, mirror, notes=notes).run()
                    if ranks.is_main:
                        _finish(session)
                    ranks.wait()
        best = session.standing.best_ap
        standing = session.standing
        return TrainResult(output / MODEL_NAME, standing.iteration, standing.seconds, best if best >= 0 else None)


def _finish(session: Session) -> None:
    output, config, standing = session.output, session.config, session.standing
    made = session.checkpoint()
    if config.train.result == "best" and standing.best_iteration >= 0:
        made = load_checkpoint(output / BEST_NAME)
    bad = [name for name, tensor in made.weights.items() if not bool(torch.isfinite(tensor.float()).all())]
    if bad:
        raise TrainingError("The trained weights are not finite.", details=bad[:10], fix="Lower train.lr.")
    save_checkpoint(output / MODEL_NAME, made)
    facts: dict[str, Any] = {"iterations": standing.iteration, "seconds": round(standing.seconds, 1)}
    facts |= {"ranks": session.ranks.world_size, "micro_batch": session.learner.micro_batch}
    facts |= {"precision": session.precision}
    if standing.best_iteration >= 0:
        facts |= {"best_ap": standing.best_ap, "best_iteration": standing.best_iteration}
    write_manifest(
        output,
        kind="checkpoint",
        inputs={**session.origins.data.inputs(), **_start(session)},
        settings=config.to_dict(),
        files=[output / MODEL_NAME],
        facts=facts,
    )
    log.info("%d iterations in %.1f min: %s", standing.iteration, standing.seconds / 60, output / MODEL_NAME)


def _start(session: Session) -> dict[str, str]:
    """The weights that training started from, for the manifest; nothing where they were random."""
    place = session.config.train.weights
    if place == NO_WEIGHTS:
        return {}
    return {"weights": session.origins.weights_sha256, "weights_place": without_secrets(place)}


@contextmanager
def _one_voice(ranks: Ranks) -> Iterator[None]:
    """Other ranks than the first only say what went wrong with them."""
    logger = logging.getLogger("sparseinst")
    before = logger.level
    if not ranks.is_main:
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)


@contextmanager
def _locked(output: Path, ranks: Ranks) -> Iterator[None]:
    """Keeps a second run out of the output directory: two that write the same states would spoil both."""
    if not ranks.is_main:
        yield
        return
    output.mkdir(parents=True, exist_ok=True)
    lock = FileLock(output / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise TrainingError(
            "Another process is training into this output directory.",
            where=str(output),
            fix="Wait until it has ended, stop it, or give another --output.",
        ) from error
    except (OSError, NotImplementedError):
        log.warning("the output's file system knows no locks: see that no second run writes to %s", output)
        yield
        return
    try:
        yield
    finally:
        lock.release()

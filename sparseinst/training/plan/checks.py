"""What a run should not be started with, found in the configuration and in what is known of the data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sparseinst.config import RunConfig
from sparseinst.training.config import NO_WEIGHTS


@dataclass(frozen=True, slots=True)
class Check:
    """Something to know before the run: a refusal is why it cannot be, a warning why it may disappoint."""

    kind: Literal["refusal", "warning"]
    problem: str
    fix: str


def check_settings(config: RunConfig, *, ranks: int, largest_objects: int | None) -> Iterator[Check]:
    """What is wrong whichever GPU it is."""
    yield from _division(config, ranks)
    yield from _batch(config)
    yield from _schedule(config)
    yield from _norms(config)
    queries = config.model.num_masks
    if largest_objects is not None and largest_objects > queries:
        yield Check(
            "warning",
            f"An image has {largest_objects} objects, the model has {queries} queries: the surplus is not learned.",
            f"model.num_masks={largest_objects}",
        )


def _division(config: RunConfig, ranks: int) -> Iterator[Check]:
    batch, micro_batch = config.train.batch_size, config.train.micro_batch
    if batch % ranks:
        yield Check(
            "refusal",
            f"A step of {batch} images cannot be shared by {ranks} ranks evenly.",
            f"train.batch_size={max(1, round(batch / ranks)) * ranks}, or other numbers of GPUs and nodes.",
        )
    elif micro_batch and (batch // ranks) % micro_batch:
        share = batch // ranks
        divisor = next(count for count in range(min(micro_batch, share), 0, -1) if share % count == 0)
        yield Check(
            "refusal",
            f"{share} images of a rank ({batch} over {ranks} ranks) cannot come in parts of {micro_batch}.",
            f"train.micro_batch={divisor}, or 0 to let the memory decide.",
        )


def _batch(config: RunConfig) -> Iterator[Check]:
    """SparseInst suffers from small batches as few models do.

    Source:
        hustvl/SparseInst issue #103: ResNet-50 G-IAM on COCO, with 64 images a step 33.4 AP, with 16 30.4 (30.39), with
        8 27.0, the learning rate and the number of steps unchanged. The authors' advice: a larger batch, or more steps.
    """
    batch, reference = config.train.batch_size, config.train.reference_batch
    if batch < reference:
        yield Check(
            "warning",
            f"A STEP HAS {batch} IMAGES, THE RECIPE IS FOR {reference}. SparseInst needs them: its users report mask "
            "AP 33.4 with 64, 30.4 with 16 and 27.0 with 8 images a step (hustvl/SparseInst issue #103).",
            f"train.batch_size={reference}: what does not fit at once is computed in parts whose gradients add up.",
        )


def _schedule(config: RunConfig) -> Iterator[Check]:
    train = config.train
    late = [step for step in train.lr_steps if step >= train.iterations]
    if train.schedule == "step" and late:
        scaled = [round(train.iterations * part) for part in (210 / 270, 250 / 270)]
        yield Check(
            "warning",
            f"The learning rate falls at {', '.join(map(str, late))}, after the last step ({train.iterations}).",
            f"train.lr_steps={scaled}, as far into the run as published; or train.schedule=cosine.",
        )


def _norms(config: RunConfig) -> Iterator[Check]:
    model, train = config.model, config.train
    if model.norm == "frozen_bn" and not model.backbone.startswith("pvt") and train.weights == NO_WEIGHTS:
        yield Check(
            "warning",
            "the norms are frozen and the weights are random: little will be learned.",
            "model.norm=bn, or weights to start from (train.weights).",
        )
    if model.norm == "bn" and train.micro_batch and train.micro_batch < train.batch_size:
        yield Check(
            "warning",
            f"Norms learn their statistics from {train.micro_batch} images at a time, however many a step has.",
            "A larger train.micro_batch, or model.norm=frozen_bn with weights to start from.",
        )

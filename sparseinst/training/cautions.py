"""What is said loudly before a run begins, because it costs accuracy and nobody would notice otherwise."""

from __future__ import annotations

from sparseinst.config import RunConfig
from sparseinst.data.loading.dataset import TrainingImages
from sparseinst.log import get_logger
from sparseinst.training.start import NO_WEIGHTS

log = get_logger("train")


def warnings_for(config: RunConfig, most_objects: int) -> list[str]:
    """One sentence or two each; none where all is well. `most_objects` are those of the fullest image."""
    settings, found = config.train, []
    if settings.batch_size < settings.reference_batch:
        found.append(
            f"A SMALL BATCH: {settings.batch_size} images a step, the recipe is for {settings.reference_batch}. The "
            f"learning rate is scaled to {settings.scaled_lr:.1e}, and {settings.iterations} iterations show "
            f"{settings.batch_size / settings.reference_batch:.0%} of the images that they were meant to. Small "
            "batches cost AP (SparseInst's users: 33.4 became 30.4 with 16 and 27.0 with 8). To add up gradients "
            f"instead: train.batch_size={settings.reference_batch} train.micro_batch={settings.batch_size}."
        )
    if (
        config.model.norm == "frozen_bn"
        and not config.model.backbone.startswith("pvt")
        and settings.weights == NO_WEIGHTS
    ):
        found.append("the norms are frozen and the weights are random: little will be learned. Set model.norm=bn.")
    if config.model.norm == "bn" and settings.micro_batch and settings.micro_batch < settings.batch_size:
        found.append(
            f"norms learn their statistics from {settings.micro_batch} images at a time (train.micro_batch), however "
            "many a step has"
        )
    if most_objects > config.model.num_masks:
        found.append(
            f"an image has {most_objects} objects, the model has {config.model.num_masks} queries: the surplus is not "
            "learned. Set model.num_masks."
        )
    return found


def warn_about(config: RunConfig, dataset: TrainingImages) -> None:
    """Says them."""
    for warning in warnings_for(config, dataset.most_objects):
        log.warning("%s", warning)

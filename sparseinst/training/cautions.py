"""What is said loudly before a run begins, because it costs accuracy and nobody would notice otherwise."""

from __future__ import annotations

from sparseinst.config import RunConfig
from sparseinst.data.loading.dataset import TrainingImages
from sparseinst.log import get_logger
from sparseinst.training.plan.checks import check_settings

log = get_logger("train")


def warn_about(config: RunConfig, dataset: TrainingImages, ranks: int) -> list[str]:
    """Says what the plan would warn of, and gives it back."""
    found = check_settings(config, ranks=ranks, largest_objects=dataset.most_objects)
    said = [f"{check.problem} Way out: {check.fix}" for check in found if check.kind == "warning"]
    if config.train.batch_size < config.train.reference_batch:
        said.append(f"the learning rate is scaled to {config.train.scaled_lr:.1e} for this batch")
    for warning in said:
        log.warning("%s", warning)
    return said

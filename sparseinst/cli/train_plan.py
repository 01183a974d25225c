"""`sparseinst train --plan`: what a run needs and costs, before anything is spent."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from sparseinst.cli.output import emit
from sparseinst.errors import ConfigError

_COCO_IMAGES = 117_266  # of train2017 that show an object that is no crowd
_COCO_CLASSES, _COCO_MOST_OBJECTS = 80, 93


def show_plan(
    data: Path | None,
    config: str,
    overrides: Sequence[str],
    *,
    gpu: str | None,
    gpus: int,
    nodes: int,
    prices: Path | None,
    as_json: bool,
) -> None:
    """Prints the plan; without data, that of COCO.

    Raises:
        ConfigError: The run cannot be, on this GPU or on any.
    """
    from sparseinst.config import load_config
    from sparseinst.training.plan.make import plan_training
    from sparseinst.training.plan.plan import require_fit
    from sparseinst.training.plan.prices import load_prices
    from sparseinst.training.plan.text import plan_text

    settings = load_config(config, overrides)
    images, classes, most, mixed = _COCO_IMAGES, _COCO_CLASSES, _COCO_MOST_OBJECTS, True
    if data:
        from sparseinst.data.loading.dataset import TrainingImages

        dataset = TrainingImages(data, settings.input)
        images, classes, most = len(dataset), len(dataset.categories), dataset.most_objects
        mixed = bool(dataset.tall.any() and not dataset.tall.all())
    else:
        click.echo("without --data, the plan is for COCO train2017", err=True)
    plan = plan_training(
        settings,
        images=images,
        num_classes=classes,
        largest_objects=most,
        gpus=gpus,
        nodes=nodes,
        prices=load_prices(prices),
        gpu=gpu,
        mixed_orientations=mixed,
    )
    emit(plan.to_dict(), as_json, plan_text(plan))
    if gpu:
        require_fit(plan, gpu)
    elif plan.refusals:
        first, *others = plan.refusals
        details = [f"{other.problem} {other.fix}" for other in others]
        raise ConfigError(first.problem, where=f"{plan.model} on {plan.ranks} GPUs", fix=first.fix, details=details)

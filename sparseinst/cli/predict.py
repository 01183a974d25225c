"""`sparseinst predict`: the objects in pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from sparseinst.cli.output import emit
from sparseinst.cli.selection import selection_options


@click.command("predict")
@click.argument("pictures", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--model", required=True, help="A checkpoint, an exported model.pt, or grpc[s]://host:port/model[/version]."
)
@click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    default=4,
    show_default=True,
    help="Requests that a served model gets at a time.",
)
@click.option("--compact", is_flag=True, help="A served model sends masks as crops: less traffic.")
@click.option("--output", type=click.Path(path_type=Path), help="Where overlay pictures and predictions.json go.")
@click.option(
    "--min-score", type=click.FloatRange(0, 1), default=0.3, show_default=True, help="Leave out less certain objects."
)
@selection_options
@click.option("--polygons", is_flag=True, help="Outlines (holes filled) instead of RLE masks.")
@click.option("--json", "as_json", is_flag=True, help="Print one COCO object with the masks.")
def command(
    pictures: tuple[Path, ...],
    model: str,
    concurrency: int,
    compact: bool,
    output: Path | None,
    min_score: float,
    class_scores: dict[str, float],
    mask_nms: float,
    most: int,
    polygons: bool,
    as_json: bool,
) -> None:
    """Find the objects in pictures: files, or folders, whose own picture files are meant.

    \b
    Examples:
      sparseinst predict photo.jpg --model model/checkpoint.pt --output pictures
      sparseinst predict photos --model grpc://127.0.0.1:8001/sparseinst --concurrency 8 --output pictures
      sparseinst predict street.jpg --model model.pt --class-score person=0.5 --mask-nms 0.6 --polygons --json
    """
    from sparseinst.evaluation.predict import PREDICTIONS, predict
    from sparseinst.evaluation.predictors.predictor import open_predictor
    from sparseinst.evaluation.selection import Selection

    if compact and "://" not in model:
        raise click.UsageError("--compact is for served models: grpc://host:port/model.")
    selection = Selection(min_score=min_score, class_scores=class_scores, mask_nms=mask_nms, most=most)
    with open_predictor(model, concurrency=concurrency, compact=compact) as predictor:
        predicted = predict(predictor, pictures, selection, output=output, polygons=polygons)
    coco = predicted.coco
    saved = (
        [f"masks: {output / PREDICTIONS}"] if output else ["next:  add --output DIR for pictures, or --json for masks"]
    )
    emit(coco, as_json, [*_lines(coco), *saved] if coco["images"] else [])
    predicted.require_whole()


def _lines(coco: Mapping[str, Any]) -> Iterator[str]:
    names = {category["id"]: category["name"] for category in coco["categories"]}
    found: dict[int, list[str]] = {image["id"]: [] for image in coco["images"]}
    for entry in coco["annotations"]:
        found[entry["image_id"]].append(f"{names[entry['category_id']]} {entry['score']:.2f}")
    for image in coco["images"]:
        here = found[image["id"]]
        count = "1 object" if len(here) == 1 else f"{len(here)} objects"
        listed = f": {', '.join(here)}" if here else ""
        where = f" -> {image['overlay']}" if "overlay" in image else ""
        yield f"{image['file_name']}: {count}{listed}{where}"

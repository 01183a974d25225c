"""`sparseinst predict`: the objects in pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from sparseinst.cli.output import emit
from sparseinst.cli.selection import selection_options


@click.command("predict")
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--model", required=True, help="A checkpoint, an exported model.pt, or grpc://host:port/model[/version].")
@click.option("--output", type=click.Path(path_type=Path), help="Where overlay pictures and predictions.json go.")
@click.option(
    "--min-score", type=click.FloatRange(0, 1), default=0.3, show_default=True, help="Leave out less certain objects."
)
@selection_options
@click.option("--polygons", is_flag=True, help="Outlines (holes filled) instead of RLE masks.")
@click.option("--json", "as_json", is_flag=True, help="Print one COCO object with the masks.")
def command(
    images: tuple[Path, ...],
    model: str,
    output: Path | None,
    min_score: float,
    class_scores: dict[str, float],
    mask_nms: float,
    most: int,
    polygons: bool,
    as_json: bool,
) -> None:
    """Find the objects in images.

    \b
    Examples:
      sparseinst predict photo.jpg --model model/checkpoint.pt --output pictures
      sparseinst predict *.jpg --model grpc://127.0.0.1:8001/sparseinst --json
      sparseinst predict street.jpg --model model.pt --class-score person=0.5 --mask-nms 0.6 --polygons --json
    """
    from sparseinst.evaluation.predict import PREDICTIONS, predict
    from sparseinst.evaluation.predictors.predictor import open_predictor
    from sparseinst.evaluation.selection import Selection

    selection = Selection(min_score=min_score, class_scores=class_scores, mask_nms=mask_nms, most=most)
    with open_predictor(model) as predictor:
        coco = predict(predictor, images, selection, output=output, polygons=polygons)
    saved = (
        [f"masks: {output / PREDICTIONS}"] if output else ["next:  add --output DIR for pictures, or --json for masks"]
    )
    emit(coco, as_json, [*(_line(image, coco) for image in coco["images"]), *saved])


def _line(image: Mapping[str, Any], coco: Mapping[str, Any]) -> str:
    names = {category["id"]: category["name"] for category in coco["categories"]}
    found = [
        f"{names[entry['category_id']]} {entry['score']:.2f}"
        for entry in coco["annotations"]
        if entry["image_id"] == image["id"]
    ]
    count = "1 object" if len(found) == 1 else f"{len(found)} objects"
    listed = f": {', '.join(found)}" if found else ""
    where = f" -> {image['overlay']}" if "overlay" in image else ""
    return f"{image['file_name']}: {count}{listed}{where}"

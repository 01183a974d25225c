"""`sparseinst predict`: the objects in pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from sparseinst.cli.output import emit


@click.command("predict")
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--model", required=True, help="A checkpoint, an exported model.pt, or grpc://host:port/model[/version].")
@click.option("--output", type=click.Path(path_type=Path), help="Where overlay pictures and predictions.json go.")
@click.option(
    "--min-score", type=click.FloatRange(0, 1), default=0.3, show_default=True, help="Leave out less certain objects."
)
@click.option("--json", "as_json", is_flag=True, help="Print one COCO object with RLE masks.")
def command(images: tuple[Path, ...], model: str, output: Path | None, min_score: float, as_json: bool) -> None:
    """Find the objects in images.

    \b
    Examples:
      sparseinst predict photo.jpg --model model/checkpoint.pt --output pictures
      sparseinst predict *.jpg --model grpc://127.0.0.1:8001/sparseinst --json
    """
    from sparseinst.evaluation.predict import PREDICTIONS, predict
    from sparseinst.evaluation.predictor import open_predictor

    with open_predictor(model) as predictor:
        coco = predict(predictor, images, min_score=min_score, output=output)
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

"""`sparseinst evaluate`: how good a model, or a file of detections, is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sparseinst.cli.output import emit
from sparseinst.cli.selection import selection_options

if TYPE_CHECKING:
    from sparseinst.evaluation.coco.engine import EngineName

_ROWS = (("AP", "AP50", "AP75", "APs", "APm", "APl"), ("AR1", "AR10", "AR100", "ARs", "ARm", "ARl"))
_MOST_CLASSES = 10


@click.command("evaluate")
@click.option("--data", type=click.Path(path_type=Path), help="A dataset directory.")
@click.option("--split", default="val", show_default=True, help="Which of its splits.")
@click.option("--model", help="A checkpoint, an exported model.pt, or grpc://host:port/model[/version].")
@click.option(
    "--detections",
    type=click.Path(path_type=Path),
    help="COCO results (JSON), or predictions.json of 'sparseinst predict', instead of a model.",
)
@click.option("--annotations", type=click.Path(path_type=Path), help="A COCO file instead of --data.")
@click.option("--output", type=click.Path(path_type=Path), required=True, help="The directory for the results.")
@click.option("--batch-size", type=click.IntRange(min=1), default=4, show_default=True, help="Images at a time.")
@click.option("--pictures", type=click.IntRange(min=0), default=6, show_default=True, help="Images to draw.")
@click.option(
    "--max-dets",
    default="1,10,100",
    show_default=True,
    callback=lambda _context, _parameter, text: parse_max_dets(text),
    help="How many detections of an image and a class count: three numbers, ascending.",
)
@click.option(
    "--engine",
    type=click.Choice(["hotcoco", "pycocotools"]),
    default="hotcoco",
    show_default=True,
    help="What compares the masks: the quick program, or COCO's own; the numbers are the same.",
)
@click.option("--tags", type=click.Path(path_type=Path), help="Tags of images (JSON or CSV), to be measured apart.")
@click.option("--incumbent", type=click.Path(path_type=Path), help="The folder of another evaluation, to compare with.")
@selection_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    data: Path | None,
    split: str,
    model: str | None,
    detections: Path | None,
    annotations: Path | None,
    output: Path,
    batch_size: int,
    pictures: int,
    max_dets: tuple[int, int, int],
    engine: EngineName,
    tags: Path | None,
    incumbent: Path | None,
    class_scores: dict[str, float],
    mask_nms: float,
    most: int,
    as_json: bool,
) -> None:
    """Compute the 12 COCO numbers for masks, and what lies behind them.

    Several processes share the images: torchrun --nproc-per-node 2 -m sparseinst evaluate ...

    \b
    Examples:
      sparseinst evaluate --data data --model model/checkpoint.pt --output evaluation
      sparseinst evaluate --data data --model grpc://127.0.0.1:8001/sparseinst --output evaluation
      sparseinst evaluate --detections found.json --annotations instances_val.json --output evaluation
      sparseinst evaluate --data data --model new.pt --incumbent evaluation --output evaluation-of-new
    """
    from sparseinst.data.directory import annotations_path
    from sparseinst.evaluation.evaluate import evaluate, evaluate_detections
    from sparseinst.evaluation.finished import METRICS
    from sparseinst.evaluation.measure import Counting
    from sparseinst.evaluation.pictures import SHEET
    from sparseinst.evaluation.report.page import NAME as REPORT
    from sparseinst.evaluation.selection import Selection

    counting = Counting(max_dets=max_dets, engine=engine, tags=tags)
    if data and model and not (detections or annotations):
        selection = Selection(class_scores=class_scores, mask_nms=mask_nms, most=most)
        how = {"batch_size": batch_size, "picture_count": pictures}
        metrics = evaluate(
            data, split, model, output, selection=selection, counting=counting, incumbent=incumbent, **how
        )
    elif detections and not model and bool(annotations) != bool(data):
        truth = annotations or annotations_path(Path(data or ""), split)
        metrics = evaluate_detections(detections, truth, output, counting, incumbent, data)
    else:
        raise click.UsageError("Give --data with --model, or --detections with --annotations or --data.")
    drawn = [f"pictures: {output / SHEET}"] if model and pictures else []
    emit(
        metrics,
        as_json,
        [
            *_table(metrics),
            *_behind(metrics),
            f"metrics:  {output / METRICS}",
            f"report:   {output / REPORT}",
            *drawn,
            f"next:     sparseinst gate --candidate {output / METRICS} --min-ap 0.5",
        ],
    )


def _behind(metrics: Mapping[str, Any]) -> list[str]:
    """The worst slice, what costs most, and what one should know."""
    lines = []
    if worst := metrics["worst_slice"]:
        lines.append(f"worst slice: {worst['by']} {worst['name']}: AP {_number(worst['AP'])}, {worst['images']} images")
    kinds = [(of["AP50_lost"], kind, of["count"]) for kind, of in metrics["errors"]["kinds"].items() if of["AP50_lost"]]
    if kinds:
        lost, kind, count = max(kinds)
        lines.append(f"costliest errors: {kind}, {count}: AP50 would be {lost:.3f} higher without them")
    return lines + [f"note {note['code']}: {note['text']}" for note in metrics["notes"]]


def parse_max_dets(text: str) -> tuple[int, int, int]:
    """Three ascending numbers, written with commas."""
    try:
        few, some, most = (int(part) for part in text.split(","))
    except ValueError:
        few = some = most = 0
    if not 0 < few <= some <= most:
        raise click.BadParameter(f"'{text}' is not three ascending numbers from 1 up, such as 1,10,100.")
    return few, some, most


def _table(metrics: Mapping[str, Any]) -> list[str]:
    counts = f"{metrics['images']} images, {metrics['instances']} objects, {metrics['detections']} detections"
    rows = ["  ".join(f"{name:>5} {_number(metrics[name])}" for name in row) for row in _ROWS]
    classes = sorted(metrics["per_class"].items(), key=lambda item: -item[1]["instances"])
    width = max((len(name) for name, _ in classes[:_MOST_CLASSES]), default=0)
    lines = [
        f"  {name:<{width}}  AP {_number(of['AP'])}  AP50 {_number(of['AP50'])}  {of['instances']} objects"
        for name, of in classes[:_MOST_CLASSES]
    ]
    rest = [f"  and {len(classes) - _MOST_CLASSES} more classes"] if len(classes) > _MOST_CLASSES else []
    return [counts, *rows, *lines, *rest]


def _number(value: float | None) -> str:
    return "    -" if value is None else f"{value:.3f}"

"""Measures a model on a split of a dataset, or detections on an annotation file, and writes down all that it finds."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sparseinst.data.loading.image_files import ImageFiles, open_images
from sparseinst.data.origin import DataOrigin
from sparseinst.evaluation import pictures
from sparseinst.evaluation.class_match import ClassMatch
from sparseinst.evaluation.comparison.before import check_comparable
from sparseinst.evaluation.detections.gathered import FINDINGS
from sparseinst.evaluation.detections.reading import load_detections
from sparseinst.evaluation.latency import SAMPLES, latency
from sparseinst.evaluation.looking import Looker, Seen, in_order, read_pixels
from sparseinst.evaluation.measure import Counting, measure
from sparseinst.evaluation.notes import model_notes
from sparseinst.evaluation.predictors.predictor import Predictor, open_predictor
from sparseinst.evaluation.selection import Selection
from sparseinst.evaluation.together import Group, batches, processes, share
from sparseinst.evaluation.truth import Truth, load_split, load_truth
from sparseinst.evaluation.writing import Making, write_evaluation
from sparseinst.files import sha256_of_file
from sparseinst.manifest import NAME as MANIFEST
from sparseinst.manifest import read_manifest
from sparseinst.progress import progress


def evaluate(
    data: Path,
    split: str,
    model: str,
    output: Path,
    *,
    batch_size: int = 4,
    picture_count: int = 6,
    selection: Selection | None = None,
    counting: Counting | None = None,
    incumbent: Path | None = None,
) -> dict[str, Any]:
    """Runs a model on every image of a split and compares with the truth.

    Under torchrun each process looks at its share of the images; the numbers are those of one process alone, and only
    the first process writes.

    Args:
        data: A dataset directory.
        split: "val" or "train".
        model: A checkpoint, a TorchScript file, or grpc://host:port/model[/version].
        output: Gets metrics.json, matches.npz, detections.json, report.html, overlays/, overlays.jpg, manifest.json.
        batch_size: Images that are held in memory and given to the model at a time.
        picture_count: Images that are drawn.
        selection: Which of the found objects count; default: all.
        counting: How they are counted; default: as COCO does.
        incumbent: The folder of an evaluation on the same data to compare with; adds comparison.json.

    Returns:
        The content of metrics.json (docs/metrics.md), in every process.

    Raises:
        SparseInstError: The data or the model is missing, wrong, or they do not fit each other.
    """
    truth, files = load_split(data, split), open_images(data)
    selection, counting = selection or Selection(), counting or Counting()
    if incumbent:
        check_comparable(incumbent, truth.id, counting.max_dets)
    begin = time.perf_counter()
    with processes() as group, open_predictor(model) as predictor:
        match = ClassMatch(predictor.categories, truth.categories, model)
        selection.check(predictor.categories)
        seen = _look(Looker(predictor, truth, files, match, selection), batch_size, group)
        metrics = None
        if group.is_main:
            found = measure(truth, seen.results, counting)
            metrics = {
                **found.metrics,
                "notes": [*found.metrics["notes"], *model_notes(truth.coco, predictor.metadata)],
                "speed": _speed(predictor, truth, files, seen, batch_size),
                "timing": _timing({**seen.seconds, **found.seconds}, len(truth.images), begin),
                "model": _model(model, predictor),
                "split": split,
            }
            settings = {"split": split, "batch_size": batch_size, "selection": asdict(selection)}
            inputs = {
                "dataset": truth.id,
                **(DataOrigin.of(read_manifest(data)).inputs() if (data / MANIFEST).is_file() else {}),
                "model": predictor.metadata.get("checkpoint_sha256") or model,
            }
            chosen = sorted(pictures.chosen(truth, picture_count))
            costly = [image["image_id"] for image in metrics["costly_images"]]
            ids = list(dict.fromkeys([*chosen, *costly]))  # some are both
            drawn = dict(zip(ids, pictures.draw_pictures(truth, files, seen.results, ids), strict=True))
            write_evaluation(
                output,
                metrics,
                found.table,
                Making(inputs, settings),
                results=seen.results,
                files=pictures.save(output, [drawn[image_id] for image_id in chosen]),
                shown=[drawn[image_id] for image_id in costly],
                incumbent=incumbent,
            )
        told: dict[str, Any] = group.from_main(metrics)
        return told


def evaluate_detections(
    detections: Path,
    annotations: Path,
    output: Path,
    counting: Counting | None = None,
    incumbent: Path | None = None,
    data: Path | None = None,
) -> dict[str, Any]:
    """Compares the detections of some other program (COCO results with RLE masks) with an annotation file.

    Args:
        detections: The results.
        annotations: A COCO file.
        output: As for `evaluate`.
        counting: As for `evaluate`; so is `incumbent`.
        data: The dataset directory that the annotations are of: its images are shown in the report.

    Returns:
        The same as `evaluate`, without what only a model has.

    Raises:
        SparseInstError: A file is missing or wrong; all findings are in the message.
    """
    begin = time.perf_counter()
    truth = load_truth(annotations, are_images_needed=data is not None)
    counting = counting or Counting()
    if incumbent:
        check_comparable(incumbent, truth.id, counting.max_dets)
    results = load_detections(detections, truth, output)
    read = time.perf_counter() - begin
    found = measure(truth, results, counting)
    metrics = {
        **found.metrics,
        "timing": _timing({"read": read, **found.seconds}, len(truth.images), begin),
        "model": {"source": str(detections)},
    }
    inputs = {"dataset": truth.id, "detections": sha256_of_file(detections)}
    costly = [image["image_id"] for image in metrics["costly_images"]]
    shown = pictures.draw_pictures(truth, open_images(data), results, costly) if data else []
    write_evaluation(
        output, metrics, found.table, Making(inputs, {}), files=[output / FINDINGS], shown=shown, incumbent=incumbent
    )
    return metrics


def _look(looker: Looker, batch_size: int, group: Group) -> Seen:
    """What all processes have seen together, in the order of the images; the seconds are the first process's."""
    images, seen = in_order(looker.truth), Seen()
    mine = share(batches(images, batch_size), group)
    with progress("evaluate", "evaluating images", sum(map(len, mine))) as advance:
        for batch in mine:
            looker.look(batch, seen)
            advance(len(batch))
    place = {image["id"]: number for number, image in enumerate(images)}
    results = [result for part in group.gather(seen.results) for result in part]
    results.sort(key=lambda result: place[result["image_id"]])
    return Seen(results, seen.seconds)


def _speed(predictor: Predictor, truth: Truth, files: ImageFiles, seen: Seen, batch_size: int) -> dict[str, Any]:
    some = truth.images[:: max(1, len(truth.images) // SAMPLES)][:SAMPLES]
    busy = seen.seconds["predict"] + seen.seconds["encode"]
    return {
        "latency_ms": latency(predictor, [read_pixels(files, image) for image in some]),
        "images_per_second": round(len(truth.images) / busy, 3),
        "batch_size": batch_size,
        "device": predictor.device,
    }


def _timing(seconds: Mapping[str, float], images: int, begin: float) -> dict[str, float]:
    total = time.perf_counter() - begin
    stages = {stage: round(value, 3) for stage, value in seconds.items()}
    return {**stages, "total": round(total, 3), "images_per_second": round(images / total, 3)}


def _model(source: str, predictor: Predictor) -> dict[str, Any]:
    said = predictor.metadata
    return {"source": source, "name": said["model"], "checkpoint_sha256": said.get("checkpoint_sha256")}

"""Measures a model on a split of a dataset: the 12 COCO numbers, the detections, pictures, and how long it took."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sparseinst.data.loading.image_files import open_images
from sparseinst.data.origin import DataOrigin
from sparseinst.evaluation import pictures
from sparseinst.evaluation.class_match import ClassMatch
from sparseinst.evaluation.coco.numbers import NUMBERS, mask_metrics
from sparseinst.evaluation.detections.reading import load_detections
from sparseinst.evaluation.looking import Looker, Seen, in_order
from sparseinst.evaluation.predictors.predictor import open_predictor
from sparseinst.evaluation.selection import Selection
from sparseinst.evaluation.truth import load_split, load_truth
from sparseinst.files import sha256_of_file, write_json, write_text
from sparseinst.log import get_logger
from sparseinst.manifest import NAME as MANIFEST
from sparseinst.manifest import read_manifest, write_manifest
from sparseinst.progress import progress

METRICS = "metrics.json"
DETECTIONS = "detections.json"

log = get_logger("evaluate")


def evaluate(
    data: Path,
    split: str,
    model: str,
    output: Path,
    *,
    batch_size: int = 4,
    picture_count: int = 6,
    selection: Selection | None = None,
) -> dict[str, Any]:
    """Runs a model on every image of a split and compares with the truth.

    Args:
        data: A dataset directory.
        split: "val" or "train".
        model: A checkpoint, a TorchScript file, or grpc://host:port/model[/version].
        output: Gets metrics.json, detections.json, overlays/, overlays.jpg and manifest.json.
        batch_size: Images that are held in memory and given to the model at a time.
        picture_count: Images that are drawn.
        selection: Which of the found objects count; default: all.

    Returns:
        The content of metrics.json: what `mask_metrics` gives; "images", "instances" (in the truth) and
        "detections" as counts; "timing" in seconds; "model", "dataset" (SHA-256 of the annotation file) and "split".

    Raises:
        SparseInstError: The data or the model is missing, wrong, or they do not fit each other.
    """
    truth = load_split(data, split)
    selection = selection or Selection()
    begin = time.perf_counter()
    with open_predictor(model) as predictor:
        match = ClassMatch(predictor.categories, truth.categories, model)
        selection.check(predictor.categories)
        drawn = pictures.chosen(truth, picture_count)
        looker = Looker(predictor, truth, open_images(data), match, selection, drawn)
        seen = Seen()
        images = in_order(truth)
        with progress("evaluate", "evaluating images", len(images)) as advance:
            for start in range(0, len(images), batch_size):
                looker.look(images[start : start + batch_size], seen)
                advance(len(images[start : start + batch_size]))
        metadata = predictor.metadata
    looked = time.perf_counter()
    scores = mask_metrics(truth.coco, seen.results)
    seconds = {**seen.seconds, "score": time.perf_counter() - looked, "total": time.perf_counter() - begin}
    metrics = {
        **scores,
        **truth.counts(),
        "detections": len(seen.results),
        "timing": {**_rounded(seconds), "images_per_second": round(len(truth.images) / sum(seen.seconds.values()), 3)},
        "model": {"source": model, "name": metadata["model"], "checkpoint_sha256": metadata.get("checkpoint_sha256")},
        "dataset": truth.id,
        "split": split,
    }
    files = [
        *_write(output, metrics, seen.results),
        *pictures.save(output, sorted(seen.pictures, key=lambda pair: pair[0])),
    ]
    inputs = {
        "dataset": truth.id,
        **(DataOrigin.of(read_manifest(data)).inputs() if (data / MANIFEST).is_file() else {}),
        "model": metadata.get("checkpoint_sha256") or model,
    }
    _write_manifest(
        output, metrics, inputs, {"split": split, "batch_size": batch_size, "selection": asdict(selection)}, files
    )
    return metrics


def evaluate_detections(detections: Path, annotations: Path, output: Path) -> dict[str, Any]:
    """Compares the detections of some other program (COCO results with RLE masks) with an annotation file.

    Returns:
        The same as `evaluate`, without timing and split; metrics.json and manifest.json are in `output`.

    Raises:
        SparseInstError: A file is missing or wrong; all findings are in the message.
    """
    truth = load_truth(annotations)
    results = load_detections(detections, truth)
    metrics = {
        **mask_metrics(truth.coco, results),
        **truth.counts(),
        "detections": len(results),
        "model": {"source": str(detections)},
        "dataset": truth.id,
    }
    write_json(output / METRICS, metrics)
    inputs = {"dataset": truth.id, "detections": sha256_of_file(detections)}
    _write_manifest(output, metrics, inputs, {}, [output / METRICS])
    return metrics


def _write(output: Path, metrics: Mapping[str, Any], results: Sequence[Mapping[str, Any]]) -> list[Path]:
    write_json(output / METRICS, metrics)
    write_text(output / DETECTIONS, json.dumps(results, allow_nan=False))  # on one line: there may be half a million
    return [output / METRICS, output / DETECTIONS]


def _write_manifest(
    output: Path, metrics: Mapping[str, Any], inputs: Mapping[str, str], settings: Mapping[str, Any], files: list[Path]
) -> None:
    facts = {name: metrics[name] for name in (*NUMBERS, "images", "instances", "detections")}
    write_manifest(output, kind="metrics", inputs=inputs, settings=settings, files=files, facts=facts)


def _rounded(seconds: Mapping[str, float]) -> dict[str, float]:
    return {stage: round(value, 3) for stage, value in seconds.items()}

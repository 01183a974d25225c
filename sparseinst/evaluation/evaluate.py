"""Measures a model on a split of a dataset: the 12 COCO numbers, the detections, pictures, and how long it took."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparseinst.data.loading.image_files import ImageFiles, open_images
from sparseinst.data.origin import DataOrigin
from sparseinst.errors import DatasetError
from sparseinst.evaluation import pictures
from sparseinst.evaluation.coco_metrics import NUMBERS, mask_metrics
from sparseinst.evaluation.detections import load_detections
from sparseinst.evaluation.matching import ClassMatch
from sparseinst.evaluation.predictor import Predictor, open_predictor
from sparseinst.evaluation.selection import Selection
from sparseinst.evaluation.truth import Truth, load_split, load_truth
from sparseinst.files import sha256_of_file, write_json, write_text
from sparseinst.imaging.read import read_image
from sparseinst.log import get_logger
from sparseinst.manifest import NAME as MANIFEST
from sparseinst.manifest import read_manifest, write_manifest
from sparseinst.progress import progress

METRICS = "metrics.json"
DETECTIONS = "detections.json"

log = get_logger("evaluate")


@dataclass(slots=True)
class _Seen:
    """What looking at all images gave. Masks are kept as RLE only."""

    results: list[dict[str, Any]] = field(default_factory=list)
    pictures: list[tuple[str, NDArray[np.uint8]]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(("read", "predict", "encode"), 0.0))


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
        seen = _look(predictor, selection, match, truth, open_images(data), batch_size, drawn)
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
    files = [*_write(output, metrics, seen.results), *pictures.save(output, seen.pictures)]
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


def _look(
    predictor: Predictor,
    selection: Selection,
    match: ClassMatch,
    truth: Truth,
    files: ImageFiles,
    batch_size: int,
    drawn: set[int],
) -> _Seen:
    seen = _Seen()
    images = sorted(truth.images, key=lambda image: (image["height"], image["width"]))  # one size fills a batch
    with progress("evaluate", "evaluating images", len(images)) as advance:
        for start in range(0, len(images), batch_size):
            batch = images[start : start + batch_size]
            with _timed(seen.seconds, "read"):
                pixels = [_read(files, image) for image in batch]
            with _timed(seen.seconds, "predict"):
                kept = [selection.of(found, predictor.categories) for found in predictor.predict(pixels)]
                answers = [match.translate(found) for found in kept]
            with _timed(seen.seconds, "encode"):
                for image, found in zip(batch, answers, strict=True):
                    seen.results += found.to_coco(image["id"], truth.categories)
            for image, array, found in zip(batch, pixels, answers, strict=True):
                if image["id"] in drawn:
                    seen.pictures.append((image["file_name"], pictures.compare(truth, image, array, found)))
                advance()
    seen.pictures.sort(key=lambda pair: pair[0])
    return seen


def _read(files: ImageFiles, image: Mapping[str, Any]) -> NDArray[np.uint8]:
    name = image["file_name"]
    pixels = read_image(files.read(name), name=files.where(name))
    if pixels.shape[:2] != (image["height"], image["width"]):
        raise DatasetError(
            f"The image is {pixels.shape[1]}x{pixels.shape[0]} pixels, its annotations say "
            f"{image['width']}x{image['height']}.",
            where=files.where(name),
            fix="Ingest the data again; if a camera turned the image (EXIF), annotate it as it is shown.",
        )
    return pixels


def _write(output: Path, metrics: Mapping[str, Any], results: Sequence[Mapping[str, Any]]) -> list[Path]:
    write_json(output / METRICS, metrics)
    write_text(output / DETECTIONS, json.dumps(results, allow_nan=False))  # on one line: there may be half a million
    return [output / METRICS, output / DETECTIONS]


def _write_manifest(
    output: Path, metrics: Mapping[str, Any], inputs: Mapping[str, str], settings: Mapping[str, Any], files: list[Path]
) -> None:
    facts = {name: metrics[name] for name in (*NUMBERS, "images", "instances", "detections")}
    write_manifest(output, kind="metrics", inputs=inputs, settings=settings, files=files, facts=facts)


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    begin = time.perf_counter()
    yield
    seconds[stage] += time.perf_counter() - begin


def _rounded(seconds: Mapping[str, float]) -> dict[str, float]:
    return {stage: round(value, 3) for stage, value in seconds.items()}

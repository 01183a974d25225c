"""What an evaluation leaves in its folder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from sparseinst.evaluation.analysis.table import MATCHES, MatchTable
from sparseinst.evaluation.coco.numbers import NUMBERS
from sparseinst.evaluation.comparison.compare import compare
from sparseinst.evaluation.finished import METRICS
from sparseinst.evaluation.report.page import NAME as REPORT
from sparseinst.evaluation.report.page import evaluation_page
from sparseinst.files import write_json, write_text
from sparseinst.imaging.write import encode_image
from sparseinst.manifest import code_commit, write_manifest
from sparseinst.pages.page import write_page

DETECTIONS = "detections.json"
COMPARISON = "comparison.json"

_WIDEST_PX, _QUALITY = 900, 75  # of a picture in the report, which has up to 24


@dataclass(frozen=True, slots=True)
class Making:
    """How the evaluation was made, for the manifest: `inputs` are role to id or hash, `settings` as resolved."""

    inputs: Mapping[str, str]
    settings: Mapping[str, Any]


def write_evaluation(
    output: Path,
    metrics: Mapping[str, Any],
    table: MatchTable,
    making: Making,
    *,
    results: Sequence[Mapping[str, Any]] | None = None,
    files: Sequence[Path] = (),
    shown: Sequence[tuple[str, NDArray[np.uint8]]] = (),
    incumbent: Path | None = None,
) -> None:
    """Writes metrics.json, matches.npz, report.html and manifest.json, and what is asked for besides.

    Args:
        output: The folder.
        metrics: As docs/metrics.md describes them.
        results: COCO results, for detections.json.
        files: What is there already and belongs to the evaluation.
        shown: File name of an image and picture, uint8 RGB [h, w, 3], for the report.
        incumbent: The folder of another evaluation to compare with, for comparison.json.

    Raises:
        EvaluationError: The incumbent's evaluation cannot be read, or is of other data.
    """
    write_json(output / METRICS, metrics)
    table.save(output / MATCHES)
    written = [output / METRICS, output / MATCHES, *files]
    if results is not None:
        write_text(
            output / DETECTIONS, json.dumps(results, allow_nan=False)
        )  # on one line: there may be half a million
        written.append(output / DETECTIONS)
    comparison = None
    if incumbent is not None:
        comparison = compare(output, incumbent)
        write_json(output / COMPARISON, comparison)
        written.append(output / COMPARISON)
    pictures = {name: _jpeg(picture) for name, picture in shown}
    write_page(output / REPORT, evaluation_page(metrics, pictures, comparison, commit=code_commit()))
    facts = {name: metrics[name] for name in (*NUMBERS, "images", "instances", "detections")}
    write_manifest(
        output,
        kind="metrics",
        inputs=making.inputs,
        settings=making.settings,
        files=[*written, output / REPORT],
        facts=facts,
    )


def _jpeg(picture: NDArray[np.uint8]) -> bytes:
    height, width = picture.shape[:2]
    if width > _WIDEST_PX:
        size = (_WIDEST_PX, round(height * _WIDEST_PX / width))
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    return encode_image(picture, ".jpg", _QUALITY)

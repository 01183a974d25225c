"""What each way to send masks weighs, and what it costs in AP.

Run: python -m benchmarks.mask_forms --model runs/latest/train/checkpoint.pt --data runs/latest/dataset [--json FILE]
     python -m benchmarks.mask_forms --truth ANNOTATIONS --images DIR [--json FILE]

With --model, a trained network's own masks are sent in every form and evaluated. With --truth, the annotated masks
themselves are drawn on the grid (its cells hold the share of their pixels that is inside), sent, and compared with what
they were: the most that any network could reach through that form. Bytes are those of 100 instances in a 640 x 640
image, for RLE those of the images at hand (mean, and the largest).
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor

from benchmarks.mask_forms.forms import Form, Grids, Masks, forms
from sparseinst.evaluation.coco.numbers import mask_metrics
from sparseinst.evaluation.instances import Instances
from sparseinst.evaluation.truth import Truth, load_split, load_truth
from sparseinst.export.contract import NO_INSTANCE, round_up
from sparseinst.export.export import describe
from sparseinst.export.torchscript import ServedModel
from sparseinst.files import write_json
from sparseinst.imaging.read import read_image
from sparseinst.imaging.resize import resize_image, target_size
from sparseinst.masks.resample import Frame
from sparseinst.training.checkpoint import load_checkpoint, restore_model

_NUMBERS = ("AP", "AP75", "APs", "APm", "APl")
_STRIDE = 4


class Answer(NamedTuple):
    """One image's: scores and classes [n], signed distances [n, h, w], best first."""

    image: dict[str, Any]
    frame: Frame
    scores: np.ndarray[Any, np.dtype[np.float32]]
    classes: np.ndarray[Any, np.dtype[np.int64]]
    grids: Grids


class Uncoded(ServedModel):
    """The exported graph, but for the code: masks stay probabilities."""

    def encode(self, probabilities: Tensor) -> Tensor:
        return probabilities


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="a checkpoint")
    parser.add_argument("--data", type=Path, help="a dataset directory: its split 'val' is used")
    parser.add_argument("--truth", type=Path, help="an annotation file")
    parser.add_argument("--images", type=Path, help="its images")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    if options.truth:
        truth, threshold = load_truth(options.truth, options.images), 0.5
        answers = drawn(truth)
    else:
        truth = load_split(options.data, "val")
        threshold, answers = predicted(options.model, truth, options.data / "images")
    rows = measure(truth, list(answers), threshold)
    print_table(rows)
    if options.json:
        source = options.truth or options.model
        write_json(options.json, {"source": source.name, "images": len(truth.images), "forms": rows})


def predicted(checkpoint: Path, truth: Truth, images: Path) -> tuple[float, Iterator[Answer]]:
    """The model's mask threshold, and its answers."""
    saved = load_checkpoint(checkpoint)
    metadata = describe(saved)
    served = Uncoded(restore_model(saved).eval(), metadata)
    threshold = float(metadata["mask_threshold"])

    @torch.inference_mode()
    def answer(image: dict[str, Any]) -> Answer:
        pixels = read_image(images / image["file_name"])
        original = (pixels.shape[0], pixels.shape[1])
        sent = target_size(*original, metadata["short_side"], metadata["longest_side"])
        batch = torch.from_numpy(resize_image(pixels, *sent).transpose(2, 0, 1)[None].copy())
        scores, classes, grids = (output[0].numpy() for output in served.answer(batch)[:3])
        filled = classes != NO_INSTANCE
        padded = (round_up(sent[0]), round_up(sent[1]))
        frame = Frame(padded, sent, original)
        return Answer(image, frame, scores[filled], classes[filled], grids[filled] - np.float32(threshold))

    return threshold, map(answer, truth.images)


def drawn(truth: Truth) -> Iterator[Answer]:
    """The annotated objects of every image, as a network of 640 pixels has to draw them; the threshold is 0.5."""
    for image in truth.images:
        objects = truth.instances(image)
        original = (image["height"], image["width"])
        sent = target_size(*original, 640, 853)
        padded = (round_up(sent[0]), round_up(sent[1]))
        grids = np.zeros((len(objects), padded[0] // _STRIDE, padded[1] // _STRIDE), np.float32)
        for grid, mask in zip(grids, objects.masks, strict=True):
            shares = np.zeros(padded, np.float32)
            shares[: sent[0], : sent[1]] = cv2.resize(mask.astype(np.float32), sent[::-1], interpolation=cv2.INTER_AREA)
            grid[:] = cv2.resize(shares, grid.shape[::-1], interpolation=cv2.INTER_AREA) - 0.5
        yield Answer(image, Frame(padded, sent, original), objects.scores, objects.classes, grids)


def measure(truth: Truth, answers: list[Answer], threshold: float) -> list[dict[str, Any]]:
    rows = []
    for form in forms():
        results: list[dict[str, Any]] = []
        sizes: dict[str, list[int]] = defaultdict(list)
        for answer in answers:
            masks = form.masks(answer.grids, answer.frame, threshold)
            found = Instances(answer.scores, answer.classes, masks)
            results += found.to_coco(answer.image["id"], truth.categories)
            sizes["here"].append(form.sizes(len(masks), *answer.grids.shape[1:], masks))
        numbers = mask_metrics(truth.coco, results)
        rows.append(
            {"form": form.name, "bytes": _bytes(form, sizes["here"]), **{key: numbers[key] for key in _NUMBERS}}
        )
    return rows


def _bytes(form: Form, here: list[int]) -> dict[str, int]:
    if form.name.startswith("RLE"):
        return {"mean": round(float(np.mean(here))), "largest": max(here)}
    nothing: Masks = np.zeros((0, 0, 0), np.bool_)
    return {"at 640 x 640": form.sizes(100, 160, 160, nothing)}


def print_table(rows: list[dict[str, Any]]) -> None:
    print(f"{'form':<36}{'bytes':>22}" + "".join(f"{key:>9}" for key in _NUMBERS) + f"{'AP lost':>9}")
    for row in rows:
        size = json.dumps(row["bytes"]).strip("{}").replace('"', "")
        lost = rows[0]["AP"] - row["AP"]
        values = "".join(f"{row[key]:9.4f}" if row[key] is not None else f"{'-':>9}" for key in _NUMBERS)
        print(f"{row['form']:<36}{size:>22}{values}{lost:9.4f}")


if __name__ == "__main__":
    main()

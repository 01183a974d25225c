"""From images to figures: ingest, train and evaluate with the public command, and read what they wrote."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import torch

from benchmarks.device import describe
from benchmarks.learn.command import Cost, sparseinst
from benchmarks.learn.curve import Curve, read_curve
from benchmarks.learn.recipes import Recipe
from benchmarks.learn.subset import write_first_images
from sparseinst.config import load_config
from sparseinst.evaluation.coco.numbers import NUMBERS


def prove(recipe: Recipe, source: Path, work: Path, overrides: list[str], threads: int) -> tuple[dict[str, Any], Curve]:
    """Runs a recipe.

    Args:
        recipe: What to do.
        source: What the data is ingested from; it stays as it is.
        work: A folder for everything that is made.
        overrides: `section.name=value`, over the recipe's configuration.
        threads: Of torch.

    Returns:
        What the results file says, and the curve in it.

    Raises:
        SystemExit: A command failed.
    """
    ids: list[int] = []
    if recipe.images:
        ids = write_first_images(source, recipe.images, work / "source")
        source = work / "source"
    settings = [word for override in overrides for word in ("--set", override)]
    load = os.getloadavg()[0]
    cost = _run(recipe, source, work, settings, threads)
    command = ["python -m benchmarks.learn", recipe.name, "--data DIR", f"--threads {threads}", *settings]
    figures, curve = _figures(recipe, work, cost["train"].seconds)
    result = {
        "command": " ".join(command),
        "device": describe(torch.device("cpu")),
        "cores": len(os.sched_getaffinity(0)),
        "threads": threads,
        "load_before": round(load, 2),
        "torch": torch.__version__,
        "settings": load_config(recipe.name, overrides).to_dict(),
        "image_ids": ids,
        "cost": {name: part.rounded() for name, part in cost.items()},
        **figures,
    }
    return result, curve


def _run(recipe: Recipe, source: Path, work: Path, settings: list[str], threads: int) -> dict[str, Cost]:
    data, run = str(work / "data"), str(work / "run")
    train = ("--config", recipe.name, *settings, "--output", run)
    evaluate = ("--split", recipe.split, "--model", f"{run}/checkpoint.pt", "--output", str(work / "evaluation"))
    return {
        "ingest": sparseinst("ingest", "--source", str(source), "--output", data, threads=threads),
        "train": sparseinst("train", "--data", data, *train, threads=threads),
        "evaluate": sparseinst("evaluate", "--data", data, *evaluate, threads=threads),
    }


def _figures(recipe: Recipe, work: Path, seconds: float) -> tuple[dict[str, Any], Curve]:
    metrics = json.loads((work / "evaluation" / "metrics.json").read_text(encoding="utf-8"))
    trained = json.loads((work / "run" / "manifest.json").read_text(encoding="utf-8"))["facts"]
    curve = read_curve(work / "run", metrics["AP"])
    figures = {
        "split": recipe.split,
        "images": metrics["images"],
        "instances": metrics["instances"],
        "iterations": trained["iterations"],
        "evaluation": {name: metrics[name] for name in NUMBERS},
        "wanted": {"AP": recipe.wanted, "minutes": recipe.minutes},
        "reached": {"AP": (metrics["AP"] or 0) >= recipe.wanted, "minutes": seconds <= 60 * recipe.minutes},
        "curve": curve.to_dict(),
    }
    return figures, curve

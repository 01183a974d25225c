"""Trains a small network from random weights on real images, on a CPU, and measures what it has learned.

Run: python -m benchmarks.learn overfit --data DIR     COCO images: 8 of them are learned by heart
     python -m benchmarks.learn nuclei --data DIR      nuclei in micrographs: measured on images it never saw

DIR holds COCO annotations and images, as `sparseinst ingest` takes them. Everything is done by the public commands
ingest, train and evaluate. The figures go to benchmarks/results/learn-NAME-MACHINE.json, the curve to
docs/pictures/learn-NAME.svg. Ends with 1 where the AP is lower or the training longer than the recipe
wants (benchmarks/learn/recipes.py).

Further options: --threads 1 (of torch), --set train.iterations=100, --keep DIR (the data, the model, the evaluation).
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
from pathlib import Path

import torch

from benchmarks.device import describe
from benchmarks.learn.picture import draw
from benchmarks.learn.proof import prove
from benchmarks.learn.recipes import RECIPES
from sparseinst.files import write_json, write_text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", choices=sorted(RECIPES))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--set", action="append", default=[], dest="overrides", metavar="SECTION.NAME=VALUE")
    parser.add_argument("--keep", type=Path, help="a new folder for what is made; default: it is deleted")
    parser.add_argument("--results", type=Path, default=Path("benchmarks/results"))
    parser.add_argument("--pictures", type=Path, default=Path("docs/pictures"))
    options = parser.parse_args()
    recipe = RECIPES[options.recipe]
    if options.keep and options.keep.exists():
        parser.error(f"{options.keep} exists: a run in it would be gone on from")
    with tempfile.TemporaryDirectory() as folder:
        result, curve = prove(recipe, options.data, options.keep or Path(folder), options.overrides, options.threads)
    file = options.results / f"learn-{recipe.name}-{_machine()}.json"
    write_json(file, result)
    picture = options.pictures / f"learn-{recipe.name}.svg"
    write_text(picture, draw(curve, f"{recipe.title}: {result['device']}", recipe.wanted))
    ap, cost = result["evaluation"]["AP"], result["cost"]["train"]
    missed = [name for name, is_reached in result["reached"].items() if not is_reached]
    verdict = f"MISSED: {' and '.join(missed)}" if missed else "as wanted"
    print(
        f"{recipe.name}: AP {ap or 0:.3f} on {recipe.split} (wanted {recipe.wanted:g}, hoped {recipe.hoped:g}), "
        f"{cost['seconds'] / 60:.1f} min of training (at most {recipe.minutes:g}), "
        f"{cost['cpu_seconds'] / 60:.1f} of the CPU: {verdict}"
    )
    print(f"figures: {file}\ncurve:   {picture}")
    sys.exit(bool(missed))


def _machine() -> str:
    """As in the names of the other results: cpu-amd-epyc."""
    return "cpu-" + re.sub(r"[^a-z0-9]+", "-", describe(torch.device("cpu")).lower()).strip("-")


if __name__ == "__main__":
    main()

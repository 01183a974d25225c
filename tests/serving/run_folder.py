"""A run's folder with all that a deployment takes along: small dataset, checkpoint, evaluation, decision, export."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sparseinst.evaluation.finished import read_evaluation
from sparseinst.evaluation.gate.judge import forced, judge, write_judgement
from sparseinst.evaluation.gate.policy import Policy
from sparseinst.files import sha256_of_file, write_json
from sparseinst.manifest import write_manifest
from tests.evaluation.gate.measured import metrics
from tests.serving import tiny


def make_run(
    folder: Path,
    name: str = "m",
    *,
    ap: float = 0.6,
    version: str = "v1",
    changes: Mapping[str, Any] | None = None,
    force: tuple[str, str] | None = None,
    gain: float = 1.0,
) -> Path:
    """Every manifest is written by the project's own code; the weights are no weights, the numbers are invented."""
    data, train = folder / "dataset", folder / "train"
    for path, text in ((data / "annotations" / "val.json", "{}"), (data / "images" / "a.jpg", "pixels")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    facts = {"train": {"images": 1, "instances": 2}, "val": {"images": 1, "instances": 2}}
    files = [path for path in data.rglob("*") if path.is_file()]
    source = {"uri": "s3://data/a", "version": version}
    dataset = write_manifest(data, kind="dataset", inputs={}, settings={}, files=files, facts=facts, source=source)
    origin = {"dataset": dataset["id"], "data_version": version}

    train.mkdir(exist_ok=True)
    (train / "checkpoint.pt").write_text(f"weights {gain}")
    checkpoint = sha256_of_file(train / "checkpoint.pt")
    inputs = {**origin, "weights": "a" * 64, "weights_place": "https://weights.example/r50.pth"}
    settings = {"model": {"name": "tiny"}}
    facts = {"iterations": 3, "best_ap": ap}
    write_manifest(
        train, kind="checkpoint", inputs=inputs, settings=settings, files=[train / "checkpoint.pt"], facts=facts
    )

    evaluate(folder / "evaluate", metrics(ap, **(changes or {})), checkpoint, origin)
    decide(folder, force)
    tiny.write_export(folder / "export", name, gain=gain)
    tiny.seal(folder / "export", checkpoint=checkpoint, **origin)
    return folder


def evaluate(folder: Path, told: Mapping[str, Any], checkpoint: str, origin: Mapping[str, str]) -> None:
    """An evaluation's folder without matches."""
    write_json(folder / "metrics.json", {**told, "split": "val"})
    facts = {"AP": told["AP"], "images": 1}
    inputs = {**origin, "model": checkpoint}
    write_manifest(folder, kind="metrics", inputs=inputs, settings={}, files=[folder / "metrics.json"], facts=facts)


def decide(folder: Path, force: tuple[str, str] | None = None) -> None:
    """The gate's decision about the run's evaluation."""
    judgement = judge(read_evaluation(folder / "evaluate"), Policy(min_ap=0.5))
    write_judgement(folder / "gate", forced(judgement, *force) if force else judgement)

"""What a run ends with: the result, where everything is, and what to try next."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipelines.run.record import State, StepRecord


def summary(steps: Sequence[StepRecord], folder: Path) -> list[str]:
    """Lines of "what: value"; only what the steps that succeeded know."""
    facts = {step.name: step.facts for step in steps if step.state is State.SUCCEEDED}
    rows = [*_scores(facts.get("evaluate")), *_verdict(facts.get("gate")), *_endpoint(facts.get("deploy"))]
    rows.append(("files", f"{_short(folder)}  (log.txt has every line)"))
    if "deploy" in facts and (image := _example_image(facts["ingest"])):
        rows.append(
            ("try next", f"{_command()} predict {_short(image)} --model {_address(facts['deploy'])} --output found")
        )
    return [f"  {name:<10}{value}" for name, value in rows]


def _scores(facts: dict[str, Any] | None) -> list[tuple[str, str]]:
    if facts is None:
        return []
    numbers = f"{_number(facts['AP'])}   AP50 {_number(facts['AP50'])}   (masks, validation images)"
    return [("AP", numbers), ("pictures", f"{_short(Path(facts['pictures']))}  (truth beside prediction)")]


def _verdict(facts: dict[str, Any] | None) -> list[tuple[str, str]]:
    if facts is None:
        return []
    verdict = f"{facts['decision']}: {'; '.join(facts['reasons'])}"
    refusal = "" if facts["decision"] == "pass" else ". Nothing was deployed; what was served before is still served."
    return [("gate", verdict + refusal)]


def _endpoint(facts: dict[str, Any] | None) -> list[tuple[str, str]]:
    return [("endpoint", f"{_address(facts)}  version {facts['version']}, until 'make stack-down'")] if facts else []


def _address(facts: dict[str, Any]) -> str:
    return f"grpc://{facts['url'].removeprefix('grpc://')}/{facts['name']}"


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"


def _example_image(facts: dict[str, Any]) -> Path | None:
    """The validation image with the most objects: something to look at."""
    location = Path(facts["location"])
    content = json.loads((location / "annotations" / "val.json").read_text(encoding="utf-8"))
    counts = dict.fromkeys((image["id"] for image in content["images"]), 0)
    for annotation in content["annotations"]:
        counts[annotation["image_id"]] += 1
    best = max(content["images"], key=lambda image: (counts[image["id"]], image["file_name"]), default=None)
    return None if best is None else location / "images" / best["file_name"]


def _short(path: Path) -> str:
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def _command() -> str:
    return ".venv/bin/sparseinst" if Path(".venv/bin/sparseinst").exists() else "sparseinst"

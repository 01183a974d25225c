"""The files of a run that went well but for a stop and a picture, with texts that try to be more than texts."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sparseinst.training.report.summary import TrainSummary

NASTY = "<script>window.taken = 1</script>\u2028\"' onmouseover='window.taken = 2' &"

SUMMARY = TrainSummary(
    title="sparse_inst_r50_giam",
    state="finished",
    iteration=200,
    iterations=200,
    best_ap=0.3,
    best_iteration=198,
    facts=[("device", "8 x cuda"), ("data", NASTY)],
    notes=[f"A small batch {NASTY}"],
    settings={"train": {"lr": 1e-3, "weights": NASTY}, "input": {"workers": 6, NASTY: [1, None, True]}},
)


def write_run(output: Path, steps: int = 200, wait: float = 0.01, aps: tuple[float, ...] = (0.1, 0.2, 0.3)) -> Path:
    """Losses that fall, evaluations at even distances, and three events."""
    metrics: list[dict[str, Any]] = []
    for step in range(1, steps + 1):
        loss = 8 * math.exp(-3 * step / steps) + 0.1 * math.sin(step)
        parts = dict.fromkeys(("loss_ce", "loss_mask", "loss_dice", "loss_objectness"), loss / 4)
        metrics.append({"iteration": step, "loss": loss, **parts, "grad_norm": 1 + step % 3, "lr": 1e-3})
        if aps and step % (steps // len(aps)) == 0 and step // (steps // len(aps)) <= len(aps):
            ap = aps[step // (steps // len(aps)) - 1]
            numbers = {"AP": ap, "AP50": ap * 1.5, "AP75": ap / 2, "APs": None, "APm": -1, "APl": ap}
            metrics.append({"iteration": step, "evaluation": numbers})
    timing = [
        {"iteration": n, "seconds": n * 0.5, "images_per_second": 32, "data_wait_share": wait, "memory_gb": 2.5}
        for n in range(1, steps + 1)
    ]
    events = [
        {"iteration": 50, "event": "preempted", "text": "stopped by SIGTERM", "at": "2026-11-25T10:00:00+00:00"},
        {"iteration": 50, "event": "resumed", "text": "went on", "at": "2026-11-25T10:01:00+00:00"},
        {"iteration": 60, "event": "bad_image", "text": NASTY, "at": "2026-11-25T10:02:00+00:00"},
    ]
    for name, found in (("metrics", metrics), ("timing", timing), ("events", events)):
        write_lines(output / f"{name}.jsonl", found)
    return output


def write_lines(path: Path, found: Iterable[Any]) -> None:
    path.write_text("".join(json.dumps(record) + "\n" for record in found))

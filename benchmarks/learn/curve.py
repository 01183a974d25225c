"""What a training run wrote about its course, as points to draw."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from sparseinst.training.telling.lines import METRICS, TIMING, records


@dataclass(frozen=True, slots=True)
class Point:
    """A value after some iterations; `minutes` by the clock, None where the run did not write them."""

    iteration: int
    minutes: float | None
    value: float


@dataclass(frozen=True, slots=True)
class Curve:
    """The loss, a mean since the point before, and the mask AP of each evaluation; both by iteration, ascending."""

    loss: list[Point]
    ap: list[Point]

    def to_dict(self) -> dict[str, list[dict[str, float | None]]]:
        return {"loss": [_rounded(point) for point in self.loss], "ap": [_rounded(point) for point in self.ap]}


def read_curve(run: Path, final_ap: float | None) -> Curve:
    """The course of a run.

    Args:
        run: The output folder of `sparseinst train`: metrics.jsonl, and timing.jsonl where it has one.
        final_ap: What the trained model was measured at afterwards: the last point, in place of an evaluation of the
            last iteration. The only one where the run has no evaluations.
    """
    clock = _Clock(run / TIMING)
    loss, ap = [], {}
    last = 0
    for record in records(run / METRICS):
        last = max(last, int(record["iteration"]))
        if "loss" in record:
            loss.append(Point(record["iteration"], clock.minutes(record["iteration"]), record["loss"]))
        score = record.get("evaluation", {}).get("AP")
        if score is not None:
            ap[int(record["iteration"])] = float(score)
    if final_ap is not None:
        ap[last] = final_ap
    return Curve(loss, [Point(iteration, clock.minutes(iteration), ap[iteration]) for iteration in sorted(ap)])


class _Clock:
    """The minutes of training at an iteration: between two lines of timing.jsonl time passes evenly."""

    def __init__(self, path: Path) -> None:
        seconds = {0: 0.0, **{int(record["iteration"]): float(record["seconds"]) for record in records(path)}}
        self._iterations = sorted(seconds)
        self._seconds = [seconds[iteration] for iteration in self._iterations]

    def minutes(self, iteration: int) -> float | None:
        if len(self._iterations) == 1:
            return None
        return float(np.interp(iteration, self._iterations, self._seconds)) / 60


def _rounded(point: Point) -> dict[str, float | None]:
    return {key: None if value is None else round(value, 4) for key, value in asdict(point).items()}

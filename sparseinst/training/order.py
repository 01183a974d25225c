"""What a training run is given beside its data and configuration, and what it gives back. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sparseinst.manifest import read_manifest

MODEL_NAME = "checkpoint.pt"  # what a run makes
REPORT_NAME = "train.html"  # its page


@dataclass(frozen=True, slots=True)
class TrainResult:
    """What a run made.

    Attributes:
        checkpoint: The model.
        iterations: How many were done.
        seconds: Of training, all attempts together.
        ap: The best AP of the evaluations during training; None where there was none.
    """

    checkpoint: Path
    iterations: int
    seconds: float
    ap: float | None = None

    @classmethod
    def of(cls, output: Path) -> TrainResult:
        """What a run left in its output directory, as its manifest says. The manifest is written last."""
        facts = read_manifest(output)["facts"]
        return cls(output / MODEL_NAME, int(facts["iterations"]), float(facts["seconds"]), facts.get("best_ap"))

    @property
    def report(self) -> Path:
        """The run's page."""
        return self.checkpoint.with_name(REPORT_NAME)

    def numbers(self) -> dict[str, float]:
        """What runs are compared by."""
        best = {} if self.ap is None else {"best_ap": self.ap}
        return {"iterations": self.iterations, "minutes": round(self.seconds / 60, 2), **best}


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """What does not change the model: where states are copied to, and when the run has to stop.

    Attributes:
        mirror: A directory or s3://bucket/prefix that saved states are copied to, and found at by a machine that
            has lost its disk; empty: none.
        deadline_s: Seconds from the start after which the state is saved and the run ends with Preempted; 0: never.
    """

    mirror: str = ""
    deadline_s: float = 0.0

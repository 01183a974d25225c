"""Made-up traffic: pictures with objects that are alike within a picture, as those of real ones are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sparseinst.evaluation.analysis.bins import AREA_EDGES, SCORE_EDGES, area_bins, score_bins
from sparseinst.evaluation.analysis.distribution import FoundColumns, distribution
from sparseinst.serving.drift.histogram import Found
from sparseinst.serving.drift.reference import FIRST_SCORE_BIN, Reference, read_reference


@dataclass(frozen=True)
class World:
    """Where pictures come from. `alike` is the share of objects that are of their picture's favourite class."""

    classes: int = 10
    mean: float = 6.0
    alike: float = 0.6
    certainty: float = 0.8
    size: float = 9.0
    favourite: int = 0  # which class is the most common one

    @property
    def metadata(self) -> dict[str, object]:
        return {"categories": [{"id": 10 * place + 1, "name": f"class {place}"} for place in range(self.classes)]}

    def draw(self, pictures: int, random: np.random.Generator) -> FoundColumns:
        shares = np.roll(1 / np.arange(1, self.classes + 1), self.favourite)
        shares /= shares.sum()
        owners = np.repeat(np.arange(pictures), random.negative_binomial(2, 2 / (2 + self.mean), pictures))
        objects = len(owners)
        kinds = random.choice(self.classes, pictures, p=shares)[owners]
        others = random.choice(self.classes, objects, p=shares)
        sizes = self.size + random.normal(0, 2, pictures)[owners] + random.normal(0, 1.5, objects)
        sure = self.certainty + random.normal(0, 0.8, pictures)[owners] + random.normal(0, 1, objects)
        return FoundColumns(
            scores=0.3 + 0.69 / (1 + np.exp(-sure)),
            areas=2.0 ** np.clip(sizes, 1, 23),
            classes=np.where(random.random(objects) < self.alike, kinds, others),
            images=owners,
        )

    def evaluated(self, pictures: int, random: np.random.Generator) -> Reference:
        names = [f"class {place}" for place in range(self.classes)]
        metrics = {"distribution": distribution(self.draw(pictures, random), names, pictures)}
        return read_reference(metrics, self.metadata, name="m", version="1", where="metrics.json")

    def live(self, pictures: int, random: np.random.Generator) -> Found:
        found = self.draw(pictures, random)
        scores = np.bincount(score_bins(found.scores), minlength=len(SCORE_EDGES) - 1)
        return Found(
            pictures,
            {
                "scores": scores[FIRST_SCORE_BIN:].astype(float),
                "areas": np.bincount(area_bins(found.areas), minlength=len(AREA_EDGES) - 1).astype(float),
                "classes": np.bincount(found.classes, minlength=self.classes).astype(float),
            },
        )

"""What counts as an instance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sparseinst.errors import ConfigError
from sparseinst.model.config import ModelConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class DetectionOptions:
    """The defaults are the authors' (hustvl/SparseInst a899015, config.py), except that they keep every detection."""

    score_threshold: float = 0.005  # queries whose class score, before it is weighed with the mask, is not above it go
    mask_threshold: float = 0.45  # pixels above this probability are inside
    max_detections: int = 100  # the best-scored ones that are kept
    class_thresholds: Mapping[int, float] = field(default_factory=dict)  # least final score by class index
    mask_nms: float = 0.0  # 0: off; else of two masks of one class with a larger IoU only the better one stays

    def __post_init__(self) -> None:
        for name in ("score_threshold", "mask_threshold", "mask_nms"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{name} is {getattr(self, name)}.", where="DetectionOptions", fix="Give 0 to 1.")
        if self.max_detections < 1:
            raise ConfigError(
                f"max_detections is {self.max_detections}.", where="DetectionOptions", fix="Give at least 1."
            )

    @classmethod
    def of(cls, config: ModelConfig) -> DetectionOptions:
        """What a model's configuration asks for."""
        return cls(
            score_threshold=config.score_threshold,
            mask_threshold=config.mask_threshold,
            max_detections=config.max_detections,
        )

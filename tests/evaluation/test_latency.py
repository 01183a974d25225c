"""The latency is that of single images, measured until there are enough or time is up."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from sparseinst.evaluation.latency import latency

IMAGES = [np.full((4, 4, 3), shade, np.uint8) for shade in range(20)]


class Sleeper:
    """Takes as long as the image is bright, in milliseconds."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def predict(self, images: Any) -> list[Any]:
        (image,) = images
        self.asked.append(int(image[0, 0, 0]))
        time.sleep(self.asked[-1] / 1000)
        return []


def test_every_image_is_asked_for_once_alone_after_a_warm_up() -> None:
    sleeper = Sleeper()
    found = latency(sleeper, IMAGES)  # type: ignore[arg-type]
    assert sleeper.asked == [0, 0, *range(20)]
    assert found["samples"] == 20
    assert 9 <= found["p50"] < found["p90"] < found["p99"]
    assert found["p90"] >= 17 and found["p99"] >= 18


def test_a_slow_model_ends_it_sooner_but_not_before_the_first_image() -> None:
    found = latency(Sleeper(), IMAGES[10:], budget_s=0)  # type: ignore[arg-type]
    assert found["samples"] == 1 and found["p50"] == found["p99"] >= 10

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def pictures(count: int, height: int, width: int) -> list[NDArray[np.uint8]]:
    """Pictures with a bright disc each, at different places; the model in tiny.py finds it, and the dark around."""
    rows, columns = np.mgrid[:height, :width]
    drawn = []
    for index in range(count):
        centre = (height * (index + 1) / (count + 1), width * (index + 1) / (count + 1))
        inside = (rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 < (min(height, width) / 4) ** 2
        drawn.append(np.repeat(np.where(inside, 230, 20).astype(np.uint8)[..., None], 3, axis=2))
    return drawn

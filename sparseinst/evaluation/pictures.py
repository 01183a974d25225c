"""Pictures of the truth beside what a model found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparseinst.evaluation.instances import Instances
from sparseinst.evaluation.truth import Truth
from sparseinst.files import atomic_directory
from sparseinst.imaging.overlay import draw
from sparseinst.imaging.sheet import contact_sheet, side_by_side
from sparseinst.imaging.write import write_image

FOLDER = "overlays"
SHEET = "overlays.jpg"
LOWEST_SCORE = 0.3  # of an instance that is drawn
_GUESSES = 3


def chosen(truth: Truth, count: int) -> set[int]:
    """The ids of `count` images, spread evenly over those that show objects, or over all where none does."""
    with_objects = {a["image_id"] for a in truth.coco["annotations"] if not a.get("iscrowd", 0)}
    ids = sorted(with_objects) or sorted(image["id"] for image in truth.images)
    places = np.linspace(0, len(ids) - 1, min(count, len(ids))).round().astype(int)
    return {ids[place] for place in places}


def compare(truth: Truth, image: dict[str, Any], pixels: NDArray[np.uint8], found: Instances) -> NDArray[np.uint8]:
    """The truth on the left, on the right the instances with a score of at least `LOWEST_SCORE`.

    Where there are none, the best few are drawn: they show what a model that is not yet sure looks at.
    """
    shown, caption = found.above(LOWEST_SCORE), "prediction"
    if not len(shown) and len(found):
        shown = found.best(_GUESSES)
        caption = f"prediction: none reaches {LOWEST_SCORE:.2f}; the best {len(shown)}"
    return side_by_side(
        draw(pixels, truth.instances(image), truth.categories, with_scores=False),
        "truth",
        draw(pixels, shown, truth.categories),
        caption,
    )


def save(output: Path, pictures: Sequence[tuple[str, NDArray[np.uint8]]]) -> list[Path]:
    """Writes (file name of the image, picture) pairs to overlays/ and all together to overlays.jpg.

    Returns:
        The files, the sheet last; none for no pictures.
    """
    if not pictures:
        return []
    names = [f"{Path(name).with_suffix('').as_posix().replace('/', '-')}.jpg" for name, _ in pictures]
    with atomic_directory(output / FOLDER) as folder:
        for name, (_, picture) in zip(names, pictures, strict=True):
            write_image(folder / name, picture)
    write_image(output / SHEET, contact_sheet([picture for _, picture in pictures]))
    return [*(output / FOLDER / name for name in names), output / SHEET]

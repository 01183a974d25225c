"""Pictures of the truth beside what a model found."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparseinst.data.loading.image_files import ImageFiles
from sparseinst.evaluation.instances import Instances
from sparseinst.evaluation.looking import read_pixels
from sparseinst.evaluation.truth import Truth
from sparseinst.files import atomic_directory
from sparseinst.imaging.overlay import draw
from sparseinst.imaging.sheet import contact_sheet, side_by_side
from sparseinst.imaging.write import write_image
from sparseinst.masks.coco import segmentation_to_mask

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


def draw_pictures(
    truth: Truth, files: ImageFiles, results: Sequence[dict[str, Any]], image_ids: Collection[int]
) -> list[tuple[str, NDArray[np.uint8]]]:
    """Truth beside prediction, of some images.

    Args:
        results: COCO results of all images.
        image_ids: Of the images to draw.

    Returns:
        (file name of the image, uint8 RGB [h, w, 3]), in the order of `image_ids`.

    Raises:
        DatasetError: An image cannot be read.
    """
    wanted: dict[int, list[dict[str, Any]]] = {image_id: [] for image_id in image_ids}
    for result in results:
        if result["image_id"] in wanted:
            wanted[result["image_id"]].append(result)
    images = {image["id"]: image for image in truth.images}
    return [
        (
            images[image_id]["file_name"],
            compare(truth, images[image_id], read_pixels(files, images[image_id]), _instances(truth, found)),
        )
        for image_id, found in wanted.items()
    ]


def _instances(truth: Truth, results: Sequence[dict[str, Any]]) -> Instances:
    """COCO results of one image as instances, best first; those of categories that the data has not are left out."""
    index_of = {category.id: index for index, category in enumerate(truth.categories)}
    known = [result for result in results if result["category_id"] in index_of]
    known.sort(key=lambda result: -result["score"])
    masks = [segmentation_to_mask(result["segmentation"], *result["segmentation"]["size"]) for result in known]
    return Instances(
        np.array([result["score"] for result in known], np.float32),
        np.array([index_of[result["category_id"]] for result in known], np.int64),
        np.array(masks, np.bool_) if masks else np.zeros((0, 1, 1), np.bool_),
    )


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

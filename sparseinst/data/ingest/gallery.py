"""The pictures of the report: chosen before the annotations are written, drawn from what was written of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sparseinst.data.categories import Category
from sparseinst.data.ingest.write import Objects
from sparseinst.data.report.choice import choose_pictures
from sparseinst.data.report.gallery import Picture, describe, draw_picture
from sparseinst.data.report.table import SplitTable
from sparseinst.imaging.read import read_image


class Gallery:
    """Attributes:
    wanted: (number of the annotation file, row of the image) of each chosen image.
    """

    def __init__(
        self,
        tables: Sequence[SplitTable],
        places: Sequence[Sequence[tuple[int, int]]],
        categories: Sequence[Category],
    ) -> None:
        """`places` says of each image of each split which file and row it is."""
        self._tables = tables
        self._categories = categories
        self._chosen = {places[split][row]: (split, row) for split, row in choose_pictures(tables, categories)}
        self.wanted = frozenset(self._chosen)

    def draw(self, folder: Path, objects: Objects) -> list[Picture]:
        """The pictures, from the images below `folder` and the annotations of each chosen image."""
        return [
            _picture(folder, self._tables[split], row, objects.get(place, []), self._categories)
            for place, (split, row) in self._chosen.items()
        ]


def _picture(
    folder: Path, table: SplitTable, row: int, entries: Sequence[dict[str, Any]], categories: Sequence[Category]
) -> Picture:
    place = {category.id: index for index, category in enumerate(categories)}
    objects = [entry for entry in entries if not entry["iscrowd"]]
    jpeg = draw_picture(
        read_image(folder / "images" / table.file_names[row]),
        [entry["segmentation"] for entry in objects],
        [place[entry["category_id"]] for entry in objects],
        categories,
    )
    return Picture(table.name, table.file_names[row], jpeg, describe(table, row, categories))

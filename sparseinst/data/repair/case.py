"""An annotation with something to mend, on its way through the repairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sparseinst.data.repair.context import Context, Measured
from sparseinst.data.repair.edits import Found


@dataclass(slots=True)
class Case:
    """The annotation as the repairs before have left it.

    Attributes:
        number: Its place in the file's list.
        pixels_changed: Whether a repair has changed what the mask shows, so that what was measured is out of date.
    """

    number: int
    entry: dict[str, Any]
    found: Found
    context: Context
    pixels_changed: bool = False

    @property
    def size(self) -> tuple[int, int] | None:
        """The image's height and width, where they are known."""
        return self.context.size(self.entry.get("image_id"))

    @property
    def measured(self) -> Measured | None:
        return None if self.pixels_changed else self.context.measured(self.number)

    def parts(self, *codes: str) -> list[int]:
        """The numbers of the polygons in which one of these was found, sorted."""
        places = {place for code in codes for place in self.found.get(code, ())}
        numbers = (place.removeprefix("/segmentation/") for place in places)
        return sorted(int(number) for number in numbers if number.isdigit())

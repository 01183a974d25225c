"""Pictures to try: those of a folder, or a few drawn ones when the model knows the sample set's classes."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from threading import Lock

from PIL import Image

from sparseinst.data.sample.scene import make_image
from sparseinst.data.sample.shapes import CATEGORIES
from sparseinst.errors import ConfigError
from sparseinst.imaging.read import read_image
from sparseinst.imaging.write import encode_image

_KINDS = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}
_MOST = 24
_THUMBNAIL_PX = 240  # twice its size on the page, for fine screens

_SEED = 20_220_324  # of pictures that no data set has
_DRAWN = 6


class Sample:
    """One picture. Its file is read when it is asked for."""

    def __init__(self, name: str, kind: str, source: Path | bytes) -> None:
        """Args:
        name: What the page calls it.
        kind: Its media type.
        source: The file, or its bytes.
        """
        self.name = name
        self.kind = kind
        self._source = source
        self._thumbnail = b""
        self._alone = Lock()  # one thread draws the thumbnail; a page asks for all of them at once

    def content(self) -> bytes:
        """The file's bytes. Raises OSError when it has gone."""
        return self._source if isinstance(self._source, bytes) else self._source.read_bytes()

    def thumbnail(self) -> bytes:
        """A small JPEG. Raises OSError or DatasetError when the file has gone or is no picture."""
        with self._alone:
            if not self._thumbnail:
                small = Image.fromarray(read_image(self.content(), name=self.name))
                small.thumbnail((_THUMBNAIL_PX, _THUMBNAIL_PX))
                file = BytesIO()
                small.save(file, "JPEG", quality=85)
                self._thumbnail = file.getvalue()
        return self._thumbnail


def samples_of_folder(folder: Path) -> list[Sample]:
    """The first pictures of a folder, by name.

    Raises:
        ConfigError: There is no such folder, or no picture in it.
    """
    kinds = ", ".join(_KINDS)
    if not folder.is_dir():
        raise ConfigError("There is no such folder.", where=str(folder), fix="Give a folder of pictures.")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in _KINDS and path.is_file())
    if not paths:
        raise ConfigError("The folder has no pictures.", where=str(folder), fix=f"Give one with files like {kinds}.")
    return [Sample(path.name, _KINDS[path.suffix.lower()], path) for path in paths[:_MOST]]


def drawn_samples(classes: Sequence[str]) -> list[Sample]:
    """Drawn shapes, for a model of the sample set's `classes`; for another one, none."""
    if list(classes) != [category.name for category in CATEGORIES]:
        return []
    pictures = (make_image(_SEED, index).image for index in range(_DRAWN))
    return [
        Sample(f"shapes {number}.png", "image/png", encode_image(picture, ".png"))
        for number, picture in enumerate(pictures, 1)
    ]

"""Which files of a folder are pictures."""

from __future__ import annotations

from pathlib import Path

from sparseinst.errors import DatasetError

PICTURE_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif"}


def picture_files(folder: Path) -> list[Path]:
    """The pictures that lie in a folder itself, by their names; hidden files and folders in it are left aside.

    Raises:
        DatasetError: There is no such folder, or it holds no pictures.
    """
    try:
        entries = sorted(folder.iterdir(), key=lambda path: path.name)
    except OSError as error:
        raise DatasetError(
            f"The folder cannot be read ({error.strerror}).", where=str(folder), fix="Check the path."
        ) from error
    found = [
        path
        for path in entries
        if path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".") and path.is_file()
    ]
    if not found:
        raise DatasetError(
            "The folder holds no pictures.",
            where=str(folder),
            fix=f"Name one whose own files end in {', '.join(sorted(PICTURE_SUFFIXES))}; folders in it do not count.",
        )
    return found

"""The directory that is being made: an older dataset of its name is replaced as a whole, all else is refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sparseinst.errors import DatasetError
from sparseinst.files import atomic_directory
from sparseinst.manifest import NAME as MANIFEST
from sparseinst.manifest import read_manifest


@contextmanager
def dataset_folder(output: Path) -> Iterator[Path]:
    """Gives a folder that becomes `output` when the block ends without an error.

    Raises:
        DatasetError: `output` is there and is no dataset directory.
    """
    _refuse_what_is_no_dataset(output)
    with atomic_directory(output) as folder:
        yield folder


def _refuse_what_is_no_dataset(output: Path) -> None:
    """Protects a folder that was given as --output by mistake."""
    if not output.exists() or (output.is_dir() and not any(output.iterdir())):
        return
    is_dataset = (output / MANIFEST).is_file() and read_manifest(output).get("kind") == "dataset"
    if not is_dataset:
        raise DatasetError(
            "The output exists and is no dataset directory; it is left as it is.",
            where=str(output),
            fix="Give a folder that does not exist yet, or an older dataset directory to replace.",
        )

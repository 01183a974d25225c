"""A data set in a folder on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sparseinst.data.sources.base import Source, link_or_copy
from sparseinst.errors import DatasetError, StorageError
from sparseinst.storage.base import is_hidden
from sparseinst.storage.directory import DirectoryStorage

ALLOWED = "Give a directory, s3://bucket/prefix, archives (zip, tar; also https://…), `coco2017` or `sample`."


class DirectorySource(Source):
    """The files of a folder and of those below it. Nothing is fetched, nothing is kept."""

    def __init__(self, root: Path, output: Path) -> None:
        """
        Raises:
            DatasetError: There is no such folder, or it is the output itself.
        """
        self.root, self.uri = root, str(root)
        if not root.is_dir():
            tracked = root.with_name(root.name + ".dvc").is_file()
            raise DatasetError(
                f"{root} is a file, not a data directory." if root.exists() else "There is no such directory.",
                where=str(root),
                fix="Run `dvc pull` to get it." if tracked else ALLOWED,
            )
        if root.resolve() == output.resolve():
            fix = "Give another --output: it would be replaced while it is read."
            raise DatasetError("The output is the source.", where=self.uri, fix=fix)
        self._output = output

    def names(self) -> list[str]:
        names = [name for name in DirectoryStorage(self.root).list() if not is_hidden(name)]
        root, inner = self.root.resolve(), self._output.resolve()
        if inner.is_relative_to(root):
            below = inner.relative_to(root).as_posix() + "/"
            return [name for name in names if not name.startswith(below)]
        return names

    def local(self, name: str) -> Path:
        path = self.root / name
        if not path.is_file():
            raise StorageError(f"There is no file {name!r}.", where=self.uri, fix="Check the path.")
        return path

    def fetch(self, names: Sequence[str]) -> None:
        """They are here."""

    def place(self, name: str, path: Path) -> None:
        original = self.local(name)
        link_or_copy(original.resolve() if original.is_symlink() else original, path)

    def done(self) -> None:
        """Nothing was kept."""

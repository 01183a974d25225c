"""A storage that is a folder."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sparseinst.errors import StorageError
from sparseinst.files import atomic_path
from sparseinst.storage.base import Entries, Entry, Keys, Storage, check_key


class DirectoryStorage(Storage):
    """Files below a folder, which is made by the first write."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.uri = str(root)

    def list(self, prefix: str = "") -> Keys:
        folder = prefix.strip("/")
        if folder:
            check_key(folder, self.uri)
        return sorted(_files(self.root / folder, self.root))

    def entries(self, prefix: str = "") -> Entries:
        with self._errors("read", prefix or "the folder"):
            found = [(key, (self.root / key).stat()) for key in self.list(prefix)]
        return [Entry(key, status.st_size, status.st_mtime) for key, status in found]

    def read_bytes(self, key: str) -> bytes:
        with self._errors("read", key):
            return self._path(key).read_bytes()

    def write_bytes(self, key: str, content: bytes) -> None:
        path = self._path(key)
        with self._errors("write", key), atomic_path(path) as temporary:
            temporary.write_bytes(content)

    def create(self, key: str, content: bytes) -> bool:
        path = self._path(key)
        with self._errors("write", key):
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", suffix=".tmp") as temporary:
                temporary.write(content)
                temporary.flush()
                try:
                    os.link(temporary.name, path)  # unlike a rename, this fails where the name is taken
                except FileExistsError:
                    return False
        return True

    def upload(self, path: Path, key: str) -> None:
        target = self._path(key)
        with self._errors("write", key), atomic_path(target) as temporary:
            shutil.copyfile(path, temporary)

    def download(self, key: str, path: Path) -> None:
        with self._errors("read", key), atomic_path(path) as temporary:
            shutil.copyfile(self._path(key), temporary)

    def exists(self, key: str) -> bool:
        return self._path(key).is_file()

    def delete(self, key: str) -> None:
        with self._errors("delete", key):
            self._path(key).unlink(missing_ok=True)

    def delete_prefix(self, prefix: str) -> None:
        path = self._path(prefix)
        with self._errors("delete", prefix):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        check_key(key, self.uri)
        return self.root / key

    @contextmanager
    def _errors(self, doing: str, key: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise StorageError(
                f"There is no file {key!r}.", where=self.uri, fix="Check the path, or make the file first."
            ) from error
        except OSError as error:
            raise StorageError(
                f"Cannot {doing} {key!r}: {error.strerror}.",
                where=self.uri,
                fix="Check the folder's permissions and the free space on its disk.",
            ) from error


def _files(folder: Path, root: Path) -> Iterator[str]:
    """The files in a folder and below it, relative to `root`, without unfinished ones.

    Links to folders are followed, as large data is often linked into place; each folder is entered once.
    """
    entered = set()
    for place, subfolders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in entered:
            subfolders.clear()
            continue
        entered.add(real)
        inner = Path(place).relative_to(root).as_posix()
        below = "" if inner == "." else f"{inner}/"
        yield from (below + name for name in names if not (name.startswith(".") and name.endswith(".tmp")))

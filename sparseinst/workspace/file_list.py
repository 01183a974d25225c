"""What a part of a run consists of: `<part>.files.json` beside the part, written last. What it names is whole."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from sparseinst.errors import StorageError
from sparseinst.files import sha256_of_file, sha256_of_json
from sparseinst.storage.base import is_hidden


class Content(NamedTuple):
    """A file's size in bytes and its SHA-256."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class FileList:
    """Files by their names in the part. `is_whole`: the step that made them ended well."""

    files: Mapping[str, Content] = field(default_factory=dict)
    is_whole: bool = False

    @classmethod
    def of(cls, folder: Path, apart: Sequence[str], *, is_whole: bool) -> FileList:
        """The files below a folder; hidden ones and those in `apart` left out."""
        names = sorted(_names(folder, frozenset(apart)))
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            contents = pool.map(lambda name: _content(folder / name), names)
            return cls(dict(zip(names, contents, strict=True)), is_whole)

    @classmethod
    def read(cls, content: bytes, where: str) -> FileList:
        """
        Raises:
            StorageError: It is no such list, or names files outside the part.
        """
        try:
            told = json.loads(content)
            files = {str(name): Content(int(size), str(digest)) for name, (size, digest) in told["files"].items()}
            is_whole = bool(told["whole"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StorageError("The list of files cannot be read.", where=where, fix="Run the step again.") from error
        strange = [name for name in files if not name or name.startswith("/") or ".." in PurePosixPath(name).parts]
        if strange:
            raise StorageError(
                "The list of files names some outside its folder: somebody else wrote it.",
                where=where,
                details=strange[:5],
                fix="See who may write to the bucket; then start a new run.",
            )
        return cls(files, is_whole)

    def of_these(self, names: Iterable[str]) -> FileList:
        """The list of some of the files."""
        return FileList({name: self.files[name] for name in names}, self.is_whole)

    def write(self) -> bytes:
        return json.dumps({"whole": self.is_whole, "files": self.files}, separators=(",", ":")).encode()

    @property
    def sha256(self) -> str:
        """Of what the files hold; the same for the same files."""
        return sha256_of_json(self.files)

    @property
    def size(self) -> int:
        return total(self.files.values())


def total(contents: Iterable[Content]) -> int:
    """Bytes of all of them."""
    return sum(content.size for content in contents)


def _names(folder: Path, apart: frozenset[str]) -> Iterator[str]:
    for place, subfolders, files in os.walk(folder):
        inner = Path(place).relative_to(folder).as_posix()
        below = "" if inner == "." else f"{inner}/"
        subfolders[:] = [each for each in subfolders if not is_hidden(each) and f"{below}{each}" not in apart]
        yield from (below + each for each in files if not is_hidden(each) and below + each not in apart)


def _content(path: Path) -> Content:
    return Content(path.stat().st_size, sha256_of_file(path))

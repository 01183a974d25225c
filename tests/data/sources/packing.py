"""Archives for the tests: honest ones, and such as nobody should trust."""

from __future__ import annotations

import io
import random
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

KINDS = ["zip", "tar", "tar.gz", "tar.bz2", "tar.xz"]


def some_files(count: int = 8, size: int = 20_000) -> dict[str, bytes]:
    """Images that do not compress, and annotations that do."""
    chance = random.Random(count)
    files = {f"set/train2017/{number:06d}.jpg": chance.randbytes(size + number) for number in range(count)}
    return files | {"set/annotations/instances_train2017.json": b'{"images": []}' * 3000}


def pack(path: Path, kind: str, files: Mapping[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> Path:
    if kind == "zip":
        with zipfile.ZipFile(path, "w", method) as archive:
            for name, content in files.items():
                archive.writestr(zipfile.ZipInfo(name), content, method)
        return path
    with tarfile.open(path, f"w:{kind.removeprefix('tar').removeprefix('.')}") as tar:
        for name, content in files.items():
            add(tar, name, content)
    return path


def add(tar: tarfile.TarFile, name: str, content: bytes = b"", **fields: object) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    tar.addfile(info, io.BytesIO(content))

"""The encoded images of a dataset directory, wherever they lie: in it, or left in a bucket."""

from __future__ import annotations

import hashlib
import json
import os
from abc import ABC, abstractmethod
from pathlib import Path

from sparseinst.errors import DatasetError
from sparseinst.files import write_bytes
from sparseinst.storage import open_storage
from sparseinst.storage.node_cache import NodeCache, cache_folder

POINTER = "images.json"  # {"at": "s3://bucket/prefix"}: the images lie there, under their file names


class ImageFiles(ABC):
    """Files by the `file_name` that annotations have. It can be sent to other processes."""

    @abstractmethod
    def read(self, file_name: str) -> bytes:
        """The encoded image.

        Raises:
            DatasetError: There is no such local file, or it cannot be read.
            StorageError: It is not in the bucket, or the server does not answer.
        """

    @abstractmethod
    def local(self, file_name: str) -> Path:
        """A local file with the image, for what needs a path; where it lies in a bucket, a copy in the cache folder.

        Raises:
            StorageError: It is not in the bucket, or the server does not answer.
        """

    @abstractmethod
    def where(self, file_name: str) -> str:
        """What messages call the file."""


def open_images(root: Path, *, cache_gb: float = 20.0) -> ImageFiles:
    """The images of a dataset directory.

    Args:
        root: The directory. Where it has an images.json the images lie where that says.
        cache_gb: How much of this node's disk may keep those, in 10^9 bytes.

    Raises:
        DatasetError: images.json is damaged.
    """
    pointer = root / POINTER
    if not pointer.is_file():
        return LocalImages(root / "images")
    try:
        place = json.loads(pointer.read_text(encoding="utf-8"))["at"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError("It is not said where the images are.", where=str(pointer), fix="Ingest anew.") from error
    return RemoteImages(str(place), cache_gb)


class LocalImages(ImageFiles):
    """Files in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, file_name: str) -> bytes:
        try:
            return (self.folder / file_name).read_bytes()
        except FileNotFoundError as error:
            raise DatasetError(
                "The image does not exist.", where=self.where(file_name), fix="Check the path."
            ) from error
        except OSError as error:
            problem = f"The image cannot be read: {error.strerror}."
            raise DatasetError(problem, where=self.where(file_name), fix="Check its permissions.") from error

    def local(self, file_name: str) -> Path:
        return self.folder / file_name

    def where(self, file_name: str) -> str:
        return str(self.local(file_name))


class RemoteImages(ImageFiles):
    """Objects of a bucket, which the node's cache keeps. Each process has a connection and a cache of its own."""

    def __init__(self, place: str, cache_gb: float) -> None:
        self.place, self.cache_gb = place, cache_gb
        self._cache, self._process = self._open(), os.getpid()

    def __reduce__(self) -> tuple[type[RemoteImages], tuple[str, float]]:
        return RemoteImages, (self.place, self.cache_gb)

    def read(self, file_name: str) -> bytes:
        if self._process != os.getpid():  # a fork's connections are its parent's
            self._cache, self._process = self._open(), os.getpid()
        return self._cache.read_bytes(file_name)

    def local(self, file_name: str) -> Path:
        place = hashlib.sha256(self.where(file_name).encode()).hexdigest()[:16]
        path = cache_folder("copies") / f"{place}{Path(file_name).suffix}"
        write_bytes(path, self.read(file_name))
        return path

    def where(self, file_name: str) -> str:
        return f"{self.place.rstrip('/')}/{file_name}"

    def _open(self) -> NodeCache:
        return NodeCache(open_storage(self.place), cache_folder("images"), int(self.cache_gb * 1e9))

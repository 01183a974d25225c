"""One file at a local path, in a bucket or on a web server: what a user wrote for it, and the way to its bytes.

SPARSEINST_MIRROR is a folder, an s3://bucket/prefix or an http(s)://… that is asked in place of every web server,
for clusters without a network: it holds the files under their own names.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from urllib.parse import quote, unquote

from sparseinst.errors import ConfigError, StorageError
from sparseinst.files import sha256_of_file
from sparseinst.storage.request import without_secrets
from sparseinst.storage.s3 import S3Storage

MIRROR = "SPARSEINST_MIRROR"
PIN = "#sha256="

_SCHEMES = ("s3", "http", "https")
_ALLOWED = "Give a path, s3://bucket/key or https://…"


@dataclass(frozen=True, slots=True)
class Place:
    """A file: its scheme (empty for a local path), what follows that, and its SHA-256 or the beginning of it."""

    scheme: str
    rest: str
    sha256: str = ""

    @property
    def is_local(self) -> bool:
        return not self.scheme

    @property
    def path(self) -> Path:
        """Where a local file is."""
        return Path(self.rest)

    @property
    def name(self) -> str:
        """The file's own name."""
        inside = unquote(re.split("[?#]", self.rest)[0]) if self.scheme.startswith("http") else self.rest
        return inside.rpartition("/")[2]

    @property
    def shown(self) -> str:
        """What messages call it; without what may be secret."""
        return without_secrets(self.address) if self.scheme.startswith("http") else self.address

    @property
    def address(self) -> str:
        return f"{self.scheme}://{self.rest}" if self.scheme else self.rest

    def url(self) -> str | Callable[[], str]:
        """What `download` asks for the URL: for a bucket a new signed one each time."""
        if self.scheme != "s3":
            return self.address
        bucket, _, key = self.rest.partition("/")
        return partial(S3Storage(bucket, "").url, key)


def read_place(text: str) -> Place:
    """What a user wrote: a path or an address, and behind it `#sha256=` with 8 to 64 digits where the file is pinned.

    Raises:
        ConfigError: It is none of a file that can be fetched.
    """
    where, mark, digest = text.partition(PIN)
    if mark and not re.fullmatch("[0-9a-fA-F]{8,64}", digest):
        problem = f"{digest!r} is not a SHA-256."
        raise ConfigError(
            problem, where=without_secrets(text), fix=f"Write {PIN} and at least its first 8 hexadecimal digits."
        )
    place = Place(*_split_scheme(where, text), digest.lower())
    server = place.rest.partition("/")[0]
    inside = place.rest.partition("/")[2]
    if place.scheme and (not server or not inside or place.name in ("", ".", "..") or "\0" in place.name):
        raise ConfigError("The place names no file on a server.", where=without_secrets(text), fix=_ALLOWED)
    return place


def mirrored(place: Place) -> Place:
    """The place in the mirror where there is one and the place is on the web, else the place itself.

    Raises:
        ConfigError: SPARSEINST_MIRROR is none.
    """
    mirror = os.environ.get(MIRROR, "").rstrip("/")
    if not mirror or not place.scheme.startswith("http"):
        return place
    scheme, rest = _split_scheme(mirror, MIRROR)
    if not scheme:
        return replace(place, scheme="", rest=str(Path(rest, place.name)))
    return replace(place, scheme=scheme, rest=f"{rest}/{place.name if scheme == 's3' else quote(place.name)}")


def check_local(place: Place) -> Path:
    """The path of a local file, which is there and has the SHA-256 that it must have.

    Raises:
        StorageError: It is not, or has not.
    """
    path = place.path
    if not path.is_file():
        raise StorageError("There is no such file.", where=str(path), fix="Check the path.")
    actual = sha256_of_file(path) if place.sha256 else ""
    if not actual.startswith(place.sha256):
        details = (f"expected SHA-256 {place.sha256}", f"the file's SHA-256 {actual}")
        fix = "Put the right file there, or correct the hash."
        raise StorageError("The file has another hash.", where=str(path), details=details, fix=fix)
    return path


def _split_scheme(where: str, named: str) -> tuple[str, str]:
    """The scheme, empty for a local path, and what follows it."""
    scheme, mark, rest = where.partition("://")
    if not mark:
        return "", where
    if scheme.lower() not in _SCHEMES:
        raise ConfigError(
            f"Files cannot be fetched from {scheme}:// places.", where=without_secrets(named), fix=_ALLOWED
        )
    return scheme.lower(), rest

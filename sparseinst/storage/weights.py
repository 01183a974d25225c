"""Weights to begin training from: at a local path, in a bucket or on a web server, kept in a cache.

SPARSEINST_CACHE is the cache's folder; without it $XDG_CACHE_HOME/sparseinst or ~/.cache/sparseinst is.
SPARSEINST_WEIGHTS_MIRROR is a folder, an s3://bucket/prefix or an http(s)://… that is asked in place of every
web server, for clusters without a network: it holds the files under their own names.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.parse import quote, unquote

from sparseinst.errors import ConfigError, StorageError
from sparseinst.files import sha256_of_file
from sparseinst.log import get_logger
from sparseinst.storage.download import download, holds
from sparseinst.storage.request import without_secrets
from sparseinst.storage.s3 import S3Storage

log = get_logger("weights")

_MIRROR = "SPARSEINST_WEIGHTS_MIRROR"
_SCHEMES = ("s3", "http", "https")
_ALLOWED = "Give a path, s3://bucket/key or https://…"
_PIN = "#sha256="
_HASH_IN_NAME = re.compile(r"-([0-9a-f]{8,64})\.[^-]*$")
_DATE = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])([0-2]\d|3[01])")


def fetch_weights(place: str) -> Path:
    """A local file with the weights that lie at `place`.

    A local path is given back as it is. What is fetched once stays in the cache; while it has the right SHA-256
    nothing is contacted. That hash is what follows `#sha256=`, whole or its first 8 or more digits, or what the
    file's name carries (`resnet50-0676ba61.pth`), or else the one that the file had when it was fetched.

    Raises:
        ConfigError: The place, or SPARSEINST_WEIGHTS_MIRROR, is none that weights can be fetched from.
        StorageError: The file is not there, cannot be fetched, or has another hash.
    """
    where, digest = _split_pin(place)
    scheme, rest = _split_scheme(where, place)
    if not scheme:
        return _local(Path(where), digest)
    name = _file_name(scheme, rest, place)
    digest = digest or _hash_in(name)
    path = _folder_for(f"{scheme}://{rest}") / name
    if holds(path, digest):
        if not digest:
            log.info("%s is used as it was fetched once; to fetch it anew, delete %s", name, path)
        return path
    mirror = os.environ.get(_MIRROR, "").rstrip("/") if scheme != "s3" else ""
    if mirror:
        scheme, rest = _split_scheme(mirror, _MIRROR)
        if not scheme:
            return _local(Path(mirror, name), digest)
        rest = f"{rest}/{name if scheme == 's3' else quote(name)}"
    url, shown = _source(scheme, rest)
    if download(url, path, sha256=digest, place=shown, unreachable_fix=_without_network(name, mirror)) and not digest:
        log.info("%s was taken on trust. To check it from now on, add %s%s", name, _PIN, sha256_of_file(path)[:16])
    return path


def _split_pin(place: str) -> tuple[str, str]:
    where, mark, digest = place.partition(_PIN)
    if mark and not re.fullmatch("[0-9a-fA-F]{8,64}", digest):
        problem = f"{digest!r} is not a SHA-256."
        raise ConfigError(problem, where=place, fix=f"Write {_PIN} and at least its first 8 hexadecimal digits.")
    return where, digest.lower()


def _split_scheme(where: str, named: str) -> tuple[str, str]:
    """The scheme, empty for a local path, and what follows it."""
    scheme, mark, rest = where.partition("://")
    if not mark:
        return "", where
    if scheme.lower() not in _SCHEMES:
        raise ConfigError(f"Weights cannot be fetched from {scheme}:// places.", where=named, fix=_ALLOWED)
    return scheme.lower(), rest


def _file_name(scheme: str, rest: str, place: str) -> str:
    server, _, inside = (rest if scheme == "s3" else unquote(re.split("[?#]", rest)[0])).partition("/")
    name = inside.rpartition("/")[2]
    if not server or name in ("", ".", "..") or "\0" in name:
        raise ConfigError("The place names no file on a server.", where=without_secrets(place), fix=_ALLOWED)
    return name


def _hash_in(name: str) -> str:
    """The SHA-256's beginning that torch hub and timm write at the end of a file's name. A date is not one."""
    found = _HASH_IN_NAME.search(name)
    return found[1] if found and not _DATE.fullmatch(found[1]) else ""


def _folder_for(place: str) -> Path:
    """The place's own folder in the cache, so that equal names from different places do not meet."""
    cache = os.environ.get("SPARSEINST_CACHE")
    try:
        root = Path(cache) if cache else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "sparseinst")
        folder = root / "weights" / hashlib.sha256(place.encode()).hexdigest()[:12]
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError) as error:  # a container's user often has no home that it may write to
        problem = f"There is no folder to keep weights in: {error}."
        raise StorageError(problem, fix="Set SPARSEINST_CACHE to a folder that you may write to.") from error
    return folder


def _local(path: Path, digest: str) -> Path:
    if not path.is_file():
        raise StorageError("There is no such file of weights.", where=str(path), fix="Check the path.")
    actual = sha256_of_file(path) if digest else ""
    if not actual.startswith(digest):
        details = (f"expected SHA-256 {digest}", f"the file's SHA-256 {actual}")
        fix = "Put the right file there, or correct the hash."
        raise StorageError("The file of weights has another hash.", where=str(path), details=details, fix=fix)
    return path


def _source(scheme: str, rest: str) -> tuple[str | Callable[[], str], str]:
    """What `download` asks for the URL, and what messages call the place; empty for the URL without its secrets."""
    if scheme == "s3":
        bucket, _, key = rest.partition("/")
        return partial(S3Storage(bucket, "").url, key), f"s3://{rest}"
    return f"{scheme}://{rest}", ""


def _without_network(name: str, mirror: str) -> str:
    if mirror:
        return f"Check {_MIRROR}, or set train.weights=none to begin from random weights."
    return (
        f"Without a network, set {_MIRROR} to a folder, bucket or server that has {name}, "
        "or train.weights=none to begin from random weights."
    )

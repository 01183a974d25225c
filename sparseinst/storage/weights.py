"""Weights to begin training from: at a local path, in a bucket or on a web server, kept in a cache.

SPARSEINST_CACHE is the cache's folder; without it $XDG_CACHE_HOME/sparseinst or ~/.cache/sparseinst is.
SPARSEINST_MIRROR is asked in place of every web server (sparseinst.storage.place).
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import replace
from pathlib import Path

from sparseinst.errors import StorageError
from sparseinst.files import sha256_of_file
from sparseinst.log import get_logger
from sparseinst.storage.download import download, holds
from sparseinst.storage.place import MIRROR, PIN, check_local, mirrored, read_place

log = get_logger("weights")

_HASH_IN_NAME = re.compile(r"-([0-9a-f]{8,64})\.[^-]*$")
_DATE = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])([0-2]\d|3[01])")


def fetch_weights(place: str) -> Path:
    """A local file with the weights that lie at `place`.

    A local path is given back as it is. What is fetched once stays in the cache; while it has the right SHA-256
    nothing is contacted. That hash is what follows `#sha256=`, whole or its first 8 or more digits, or what the
    file's name carries (`resnet50-0676ba61.pth`), or else the one that the file had when it was fetched.

    Raises:
        ConfigError: The place, or SPARSEINST_MIRROR, is none that weights can be fetched from.
        StorageError: The file is not there, cannot be fetched, or has another hash.
    """
    wanted = read_place(place)
    if wanted.is_local:
        return check_local(wanted)
    name = wanted.name
    digest = wanted.sha256 or _hash_in(name)
    path = _folder_for(wanted.address) / name
    if holds(path, digest):
        if not digest:
            log.info("%s is used as it was fetched once; to fetch it anew, delete %s", name, path)
        return path
    there = mirrored(replace(wanted, sha256=digest))
    if there.is_local:
        return check_local(there)
    fix = _without_network(name, there.address != wanted.address)
    if download(there.url(), path, sha256=digest, place=there.shown, unreachable_fix=fix) and not digest:
        log.info("%s was taken on trust. To check it from now on, add %s%s", name, PIN, sha256_of_file(path)[:16])
    return path


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


def _without_network(name: str, mirror: bool) -> str:
    if mirror:
        return f"Check {MIRROR}, or set train.weights=none to begin from random weights."
    return (
        f"Without a network, set {MIRROR} to a folder, bucket or server that has {name}, "
        "or train.weights=none to begin from random weights."
    )

"""What may not be divided: an image, or a group of them; and the order that the seed gives them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from sparseinst.data.shaping.config import ShapeConfig
from sparseinst.data.shaping.table import Everything
from sparseinst.errors import ConfigError

Hashes = NDArray[np.uint64]


def group_hashes(everything: Everything, config: ShapeConfig) -> Hashes:
    """A number for each image, the same for all of a group; uint64 [I]. Sorting by it gives the seed's order.

    Raises:
        ConfigError: `group_by` fits no image.
    """
    names = everything.names
    if not config.group_by:
        return name_hashes(names, config.seed, "split")
    keys = _keys(everything, config.group_by)
    if names and not any(key is not None for key in keys):
        fix = f"The first file is called {names[0]}; without --group-by each image is by itself."
        raise ConfigError("No image has what to group by.", where=f"--group-by {config.group_by}", fix=fix)
    lone = _image_keys(names)
    return _hashes((one if key is None else f"group {key}" for key, one in zip(keys, lone, strict=True)), config.seed)


def name_hashes(names: Sequence[str], seed: int, purpose: str) -> Hashes:
    """A number for each image that depends on nothing but its name, the seed and the purpose; uint64 [I].

    So a list in another order is divided alike, and images that are added hardly move the others.
    """
    return _hashes((f"{purpose} {key}" for key in _image_keys(names)), seed)


def _image_keys(names: Sequence[str]) -> Iterable[str]:
    """Entries with the same file name are one image, which must not be in train and in val."""
    return (f"image {name}" if name else f"row {row}" for row, name in enumerate(names))


def _keys(everything: Everything, group_by: str) -> Sequence[str | None]:
    """The key of each image's group, None where it is by itself."""
    kind, _, rest = group_by.partition(":")
    if kind == "folder":
        return [name.replace("\\", "/").rpartition("/")[0] for name in everything.names]
    if kind == "field":
        return [group or None for group in everything.groups or [""] * len(everything.names)]
    pattern = re.compile(rest)
    found = map(pattern.search, everything.names)
    return [None if match is None else (match[1] if pattern.groups and match[1] else match[0]) for match in found]


def _hashes(keys: Iterable[str], seed: int) -> Hashes:
    start = hashlib.blake2b(f"{seed} ".encode(), digest_size=8)
    digests = []
    for key in keys:
        hashed = start.copy()
        hashed.update(key.encode("utf-8", "surrogatepass"))  # JSON can write half a character
        digests.append(hashed.digest())
    return np.frombuffer(b"".join(digests), np.dtype("<u8")).astype(np.uint64)

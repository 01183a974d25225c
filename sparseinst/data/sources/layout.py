"""Where the annotations and images of a data set lie, told from the names of its files alone.

The names are paths relative to the data set's root, with slashes: of a folder on disk or of keys in a bucket.
"""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from sparseinst.errors import DatasetError

SPLITS = ("train", "val")

_ANNOTATIONS = {split: re.compile(rf"(^|/)(annotations/{split}|instances_{split}[^/]*)\.json$") for split in SPLITS}
_LOOKED_FOR = {split: f"annotations/{split}.json or instances_{split}*.json, in any folder" for split in SPLITS}


def find_annotations(names: Sequence[str], where: str) -> dict[str, str]:
    """The annotation file of each split, e.g. {"train": "annotations/train.json", "val": …}.

    Raises:
        DatasetError: A split has no annotation file, or several.
    """
    found = {split: [name for name in names if pattern.search(name)] for split, pattern in _ANNOTATIONS.items()}
    several = {split: files for split, files in found.items() if len(files) > 1}
    if several:
        raise DatasetError(
            f"There are several annotation files for {' and for '.join(several)}.",
            where=where,
            details=[name for files in several.values() for name in files],
            fix="Leave one for each split, or name a folder that holds one data set.",
        )
    missing = [split for split in SPLITS if not found[split]]
    if missing == ["val"]:
        raise DatasetError(
            "There are no annotations for val: nothing to measure the model on.",
            where=where,
            details=[f"train: {found['train'][0]}", f"val: looked for {_LOOKED_FOR['val']}"],
            fix="Move about a tenth of the images and their annotations to annotations/val.json.",
        )
    if missing:
        tables = [name for name in names if name.endswith(".json")][:10]
        raise DatasetError(
            f"There are no annotations for {' and '.join(missing)}.",
            where=where,
            details=[
                *(f"{split}: looked for {_LOOKED_FOR[split]}" for split in missing),
                f"JSON files there: {', '.join(tables) or 'none'} ({len(names)} files in all)",
            ],
            fix="Name the folder that holds annotations/ and images/, or rename the annotation files.",
        )
    return {split: found[split][0] for split in SPLITS}


def by_basename(names: Iterable[str]) -> dict[str, list[str]]:
    """Names grouped by their last part: the index that `find_image` looks in."""
    index: dict[str, list[str]] = defaultdict(list)
    for name in names:
        index[posixpath.basename(name)].append(name)
    return index


def find_image(file_name: str, split: str, index: Mapping[str, Sequence[str]]) -> list[str]:
    """The files that an annotation file may mean by `file_name`: none, the one, or several.

    Tools disagree on what `file_name` is relative to, so any file whose path ends in it will do, else any with the
    same last part. A folder called after a split ("train", "train2017") decides between several, and an image in
    the other split's folder is meant only where `file_name` names that folder.
    """
    wanted = plain_path(file_name)
    candidates = index.get(posixpath.basename(wanted), ())
    matching = [name for name in candidates if f"/{name}".endswith(f"/{wanted}")]
    if not matching or "/" not in wanted:
        others = [other for other in SPLITS if other != split]
        matching = [name for name in matching or candidates if not any(_lies_in(name, other) for other in others)]
    in_split = [name for name in matching if _lies_in(name, split)]
    return in_split if len(matching) > 1 and in_split else matching


def _lies_in(name: str, split: str) -> bool:
    return any(part.startswith(split) for part in PurePosixPath(name).parent.parts)


def plain_path(file_name: str) -> str:
    """A relative path without what would lead out of a folder: "../images/./a.jpg" becomes "images/a.jpg"."""
    return "/".join(part for part in PurePosixPath(file_name).parts if part not in ("/", ".", ".."))

"""Where the annotations and images of a data set lie, told from the names of its files alone.

The names are paths relative to the data set's root, with slashes: of a folder on disk or of keys in a bucket.

    annotations/instances_train2017.json, …val2017.json    COCO
    annotations/train.json, annotations/val.json           what `sparseinst ingest` writes; also without a folder
    train/_annotations.coco.json, valid/…                  Roboflow
    train/annotations.json, val/annotations.json           common in hand-made sets; also labels.json and others
    result.json                                            Label Studio: one file for everything
    annotations/instances_default.json                     CVAT: the same
"""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from sparseinst.errors import DatasetError

SPLITS = ("train", "val")
ALL = "all"  # in place of a split: the file holds everything, and somebody has to divide it

_SPLIT_OF_WORD = {"train": "train", "val": "val", "valid": "val", "validation": "val"}
# All of these are compared with names in small letters: CVAT writes instances_Train.json.
_FILE_OF_SPLIT = re.compile(r"(?:instances_(train|val)[^/]*|(train|val|valid|validation))\.json")
_FOLDER_OF_SPLIT = re.compile(r"(train|val|valid|validation)\d*")
_NAMED_BY_FOLDER = re.compile(r"_annotations\.coco.*\.json|(annotations|labels|instances|coco|result)\.json")
_FOR_EVERYTHING = re.compile(r"_annotations\.coco.*\.json|(annotations|result|instances_default)\.json")
_OTHER_TABLE = re.compile(r"(captions|person_keypoints|panoptic|image_info|stuff)_.*|manifest\.json|.*\.findings\.json")
_LOOKED_FOR = {
    "train": "annotations/train.json, instances_train*.json or train/_annotations.coco.json, in any folder",
    "val": "annotations/val.json, instances_val*.json or valid/_annotations.coco.json, in any folder",
}


def find_annotations(names: Sequence[str], where: str) -> dict[str, list[str]]:
    """The annotation files of each split, sorted, e.g. {"train": ["annotations/train.json"], "val": […]}.

    A split may have several files. Without val there is only "train"; where no file is of a split, those that hold
    everything are given as {"all": […]}. What a test set has is left out.

    Raises:
        DatasetError: There are no annotations for train.
    """
    found: dict[str, list[str]] = {split: [] for split in SPLITS}
    others = []
    for name in sorted(name for name in names if name.lower().endswith(".json") and not is_other_table(name)):
        split = _split_of_table(name)
        if split in found:
            found[split].append(name)
        elif split is None:
            others.append(name)
    if found["train"]:
        return {split: files for split, files in found.items() if files}
    everything = [name for name in others if _FOR_EVERYTHING.fullmatch(posixpath.basename(name).lower())] or others
    if everything and not found["val"] and (len(everything) == 1 or everything is not others):
        return {ALL: everything}
    missing = [split for split in SPLITS if not found[split]]
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


def missing_val_error(train_files: Sequence[str], where: str) -> DatasetError:
    """The error for a data set that has no val and of which none can be made."""
    return DatasetError(
        "There are no annotations for val: nothing to measure the model on.",
        where=where,
        details=[*(f"train: {name}" for name in train_files), f"val: looked for {_LOOKED_FOR['val']}"],
        fix="Let ingest divide them (--val-share 0.1), or move some to annotations/val.json.",
    )


def is_other_table(name: str) -> bool:
    """Whether a JSON file is known to hold something else than outlines of objects, by its name."""
    return bool(_OTHER_TABLE.fullmatch(posixpath.basename(name).lower()))


def _split_of_table(name: str) -> str | None:
    """The split "train", "val" or "test", or None where the name tells no split."""
    folder, file = posixpath.split(name.lower())
    if match := _FILE_OF_SPLIT.fullmatch(file):
        return _SPLIT_OF_WORD[match[1] or match[2]]
    above = posixpath.basename(folder)
    if file.startswith(("test", "instances_test")) or above.startswith("test"):
        return "test"
    if _NAMED_BY_FOLDER.fullmatch(file) and (match := _FOLDER_OF_SPLIT.fullmatch(above)):
        return _SPLIT_OF_WORD[match[1]]
    return None


def by_basename(names: Iterable[str]) -> dict[str, list[str]]:
    """Names grouped by their last part: the index that `find_image` looks in."""
    index: dict[str, list[str]] = defaultdict(list)
    for name in names:
        index[name.rpartition("/")[2]].append(name)
    return index


def find_image(file_name: str, split: str, index: Mapping[str, Sequence[str]]) -> list[str]:
    """The files that an annotation file may mean by `file_name`: none, the one, or several.

    Tools disagree on what `file_name` is relative to, so any file whose path ends in it will do, else any with the
    same last part. A folder called after a split ("train", "train2017", "valid") decides between several, and an
    image in the other split's folder is meant only where `file_name` names that folder. For the split "all" folders
    say nothing.
    """
    wanted = plain_path(file_name)
    candidates = index.get(wanted.rpartition("/")[2], ())
    matching = [name for name in candidates if f"/{name}".endswith(f"/{wanted}")]
    if split == ALL:
        return matching or list(candidates)
    if not matching or "/" not in wanted:
        matching = [name for name in matching or candidates if _split_of_folders(name) in (split, "")]
    in_split = [name for name in matching if _split_of_folders(name) == split]
    return in_split if len(matching) > 1 and in_split else matching


def _split_of_folders(name: str) -> str:
    """The split that the folders of an image name; the innermost counts. Empty where none does."""
    return _split_of_folder(name.rpartition("/")[0])


@lru_cache(maxsize=1 << 16)
def _split_of_folder(folder: str) -> str:
    for part in reversed(folder.lower().split("/")):
        for split in SPLITS:
            if part.startswith(split):
                return split
    return ""


def plain_path(file_name: str) -> str:
    """A relative path without what would lead out of a folder: "../images/./a.jpg" becomes "images/a.jpg".

    Tools on Windows write backslashes; they become slashes.
    """
    return "/".join(part for part in file_name.replace("\\", "/").split("/") if part not in ("", ".", ".."))

"""Brings annotated images from anywhere into a dataset directory, which every later stage reads.

OUTPUT/images/{train,val}/…, OUTPUT/annotations/{train,val}.json with `file_name` relative to images/, and
OUTPUT/manifest.json. The directory appears when it is complete. The manifest's id depends on the content alone.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from sparseinst.data.categories import load_categories
from sparseinst.data.checks.findings import Finding
from sparseinst.data.checks.schema import check_coco
from sparseinst.data.coco import Coco, parse_json, raise_findings
from sparseinst.data.sample.write import write_sample
from sparseinst.data.sources.layout import SPLITS, by_basename, find_annotations, find_image, plain_path
from sparseinst.errors import DatasetError
from sparseinst.files import atomic_directory, write_text
from sparseinst.log import get_logger
from sparseinst.manifest import NAME as MANIFEST
from sparseinst.manifest import read_manifest, write_manifest
from sparseinst.masks.coco import segmentation_to_mask
from sparseinst.storage import Storage, open_storage
from sparseinst.storage.base import is_hidden
from sparseinst.storage.directory import DirectoryStorage
from sparseinst.storage.parallel import run_parallel

SAMPLE = "sample"

_COPIES_AT_A_TIME = 8

log = get_logger("ingest")


@dataclass(frozen=True, slots=True)
class IngestResult:
    """The dataset directory and the content of its manifest.json."""

    location: Path
    manifest: dict[str, Any]


def ingest(
    source: str, output: Path, *, train_images: int = 1000, val_images: int = 120, seed: int = 0
) -> IngestResult:
    """Makes the dataset directory `output`, in place of an older one.

    Args:
        source: A directory, s3://bucket/prefix, or "sample" for the set that is drawn by code.
        train_images: How many images to draw for training; only for "sample", as the next two.

    Raises:
        DatasetError: The source has no data set, or its annotations have findings; or `output` is something else.
        StorageError: The source cannot be read.
    """
    _refuse_what_is_no_dataset(output)
    with atomic_directory(output) as folder:
        if source == SAMPLE:
            log.info("drawing %d images for train and %d for val, seed %d", train_images, val_images, seed)
            write_sample(folder, train_images, val_images, seed)
        else:
            _bring(_open_source(source), folder, output)
        manifest = _describe(folder)
    return IngestResult(output, manifest)


def _bring(source: Storage, folder: Path, output: Path) -> None:
    """Reads, checks and copies a data set into `folder`. All findings come before the first image is copied."""
    names = [name for name in _names(source, output) if not is_hidden(name)]
    files = find_annotations(names, source.uri)
    index = by_basename(names)
    findings: list[Finding] = []
    tables: dict[str, Coco] = {}
    copies: dict[str, str] = {}  # from the path in the dataset directory to the key in the source
    for split in SPLITS:
        content = parse_json(source.read_bytes(files[split]), f"{source.uri}/{files[split]}")
        found = check_coco(content) or _match_images(content, split, index, copies)
        findings += [replace(finding, pointer=f"{files[split]}#{finding.pointer}") for finding in found]
        tables[split] = content
    if findings:
        raise_findings(findings, source.uri)
    _check_same_categories(tables, source.uri)
    for split, content in tables.items():
        _complete(content)
        text = json.dumps(content, separators=(",", ":"), allow_nan=False)
        write_text(folder / "annotations" / f"{split}.json", text + "\n")
    log.info("bringing %d images from %s", len(copies), source.uri)
    run_parallel(
        lambda target: _fetch(source, copies[target], folder / target),
        list(copies),
        f"copying images from {source.uri}",
        _COPIES_AT_A_TIME,
    )


def _open_source(source: str) -> Storage:
    storage = open_storage(source)
    if isinstance(storage, DirectoryStorage) and not storage.root.is_dir():
        tracked = storage.root.with_name(storage.root.name + ".dvc").is_file()
        raise DatasetError(
            f"{source} is a file, not a data directory." if storage.root.exists() else "There is no such directory.",
            where=source,
            fix="Run `dvc pull` to get it." if tracked else "Give a directory, s3://bucket/prefix, or `sample`.",
        )
    return storage


def _names(source: Storage, output: Path) -> list[str]:
    """The files of the source, without those of an output that lies inside it."""
    names = source.list()
    if isinstance(source, DirectoryStorage):
        root, inner = source.root.resolve(), output.resolve()
        if root == inner:
            fix = "Give another --output: it would be replaced while it is read."
            raise DatasetError("The output is the source.", where=source.uri, fix=fix)
        if inner.is_relative_to(root):
            below = inner.relative_to(root).as_posix() + "/"
            return [name for name in names if not name.startswith(below)]
    return names


def _match_images(content: Coco, split: str, index: Mapping[str, list[str]], copies: dict[str, str]) -> list[Finding]:
    """Finds the file of every image, notes it in `copies`, and sets `file_name` to its place in the new directory."""
    findings = []
    for number, image in enumerate(content["images"]):
        files = find_image(image["file_name"], split, index)
        if len(files) == 1:
            name = plain_path(image["file_name"]).removeprefix(f"{split}/")
            image["file_name"] = f"{split}/{name}"
            copies[f"images/{split}/{name}"] = files[0]
            continue
        problem = f"there is no file {image['file_name']}"
        fix = "Add the file, or delete the entry"
        if files:
            problem = f"{image['file_name']} may be any of {', '.join(files[:3])}"
            fix = "Write the path from the data set's root"
        findings.append(Finding("IMG-FILE", f"/images/{number}/file_name", problem, fix))
    return findings


def _check_same_categories(tables: Mapping[str, Coco], where: str) -> None:
    train, val = (load_categories(tables[split]) for split in SPLITS)
    if train != val:
        raise DatasetError(
            "Train and val do not have the same categories.",
            where=where,
            details=[
                *(f"only in train: {category.id} {category.name}" for category in train if category not in val),
                *(f"only in val: {category.id} {category.name}" for category in val if category not in train),
            ],
            fix="Write the same list of categories into both files; a category may have no annotation.",
        )


def _complete(content: Coco) -> None:
    """Adds what COCO's evaluation needs and some tools leave out: `iscrowd`, `area` and `bbox`, from the mask."""
    sizes = {image["id"]: (image["height"], image["width"]) for image in content["images"]}
    for annotation in content["annotations"]:
        annotation.setdefault("iscrowd", 0)
        if "area" in annotation and "bbox" in annotation:
            continue
        mask = segmentation_to_mask(annotation["segmentation"], *sizes[annotation["image_id"]])
        annotation.setdefault("area", int(np.count_nonzero(mask)))
        annotation.setdefault("bbox", _box(mask))


def _box(mask: np.ndarray[Any, np.dtype[np.uint8]]) -> list[int]:
    """[x, y, width, height] of the pixels in a mask [H, W]; zeros where it has none."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not rows.size:
        return [0, 0, 0, 0]
    top, left = int(rows[0]), int(columns[0])
    return [left, top, int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top]


def _fetch(source: Storage, key: str, path: Path) -> None:
    """Copies an image; from a local directory it becomes a hard link where the file system allows it."""
    if not isinstance(source, DirectoryStorage):
        source.download(key, path)
        return
    original = (source.root / key).resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(original, path)
    except OSError:
        shutil.copyfile(original, path)


def _refuse_what_is_no_dataset(output: Path) -> None:
    """Protects a folder that was given as --output by mistake: an output is replaced as a whole."""
    if not output.exists() or (output.is_dir() and not any(output.iterdir())):
        return
    is_dataset = (output / MANIFEST).is_file() and read_manifest(output).get("kind") == "dataset"
    if not is_dataset:
        raise DatasetError(
            "The output exists and is no dataset directory; it is left as it is.",
            where=str(output),
            fix="Give a folder that does not exist yet, or an older dataset directory to replace.",
        )


def _describe(folder: Path) -> dict[str, Any]:
    """Writes the manifest: the hash of every file, and the counts worth knowing."""
    facts: dict[str, Any] = {}
    for split in SPLITS:
        content = json.loads((folder / "annotations" / f"{split}.json").read_text(encoding="utf-8"))
        crowds = sum(1 for annotation in content["annotations"] if annotation["iscrowd"])
        facts[split] = {
            "images": len(content["images"]),
            "instances": len(content["annotations"]) - crowds,
            "crowds": crowds,
        }
        facts["categories"] = [category.name for category in load_categories(content)]
    files = [path for path in folder.rglob("*") if path.is_file()]
    return write_manifest(folder, kind="dataset", inputs={}, settings={}, files=files, facts=facts)

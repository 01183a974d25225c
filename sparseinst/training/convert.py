"""A checkpoint of the authors', of mmdetection or of ours becomes one of ours, or the other way round.

What only training needs, an optimizer above all, is left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from sparseinst.config import RunConfig, load_config
from sparseinst.data.categories import Category
from sparseinst.data.checks.categories import check_categories
from sparseinst.data.checks.findings import blocking
from sparseinst.data.coco import raise_findings, read_json
from sparseinst.data.coco_categories import COCO_CATEGORIES
from sparseinst.data.origin import DataOrigin
from sparseinst.errors import ConfigError, SparseInstError
from sparseinst.files import atomic_path, sha256_of_file
from sparseinst.log import get_logger
from sparseinst.manifest import NAME as MANIFEST
from sparseinst.manifest import write_manifest
from sparseinst.model.network import build_model
from sparseinst.model.weights import load_weights, read_content, reading, tensors_in
from sparseinst.model.weights.identify import identify
from sparseinst.model.weights.layouts import to_mmdet
from sparseinst.model.weights.loading import CLASS_BIAS
from sparseinst.storage.request import without_secrets
from sparseinst.storage.weights import fetch_weights
from sparseinst.training.checkpoint import Checkpoint, save_checkpoint, unpack_checkpoint
from sparseinst.training.classes import mmdetection_names
from sparseinst.training.order import MODEL_NAME

log = get_logger("convert")

Target = Literal["ours", "authors", "mmdet"]


@dataclass(frozen=True, slots=True)
class ConvertResult:
    """What a conversion made.

    Attributes:
        file: The checkpoint.
        layout: What the weights were recognised as.
        config: The configuration's name.
        others: Configurations whose weights have the same names and shapes.
        categories: The classes, in the order of their indices.
        bytes_before, bytes_after: The files' sizes.
    """

    file: Path
    layout: str
    config: str
    others: Sequence[str]
    categories: Sequence[Category]
    bytes_before: int
    bytes_after: int


def convert(
    source: str, output: Path, *, config: str = "", categories: Path | None = None, to: Target = "ours"
) -> ConvertResult:
    """Writes `output/checkpoint.pt` (or `output/<configuration>.pth` for others' programs) and manifest.json.

    Where `output` ends in .pt or .pth, it is the file itself, and <file>.manifest.json lies beside it.

    Args:
        source: A checkpoint's path, s3://… or https://…
        output: A directory or a file; made where it is missing.
        config: A configuration's name or YAML file. Empty: the file's own, or the first published one that fits.
        categories: A COCO file with the model's classes. None: what the file says; else COCO's own for 80 classes;
            else made-up names, with a warning.
        to: Whose names and form the result has.

    Raises:
        ConfigError: No published configuration fits and none was given, or the categories are not as many as the
            model's classes.
        DatasetError: The categories' file is not sound.
        StorageError: The checkpoint cannot be fetched.
        SparseInstError: It cannot be read, is a mere backbone, or does not fit the configuration.
    """
    path = fetch_weights(source)
    shown = without_secrets(source) if "://" in source else source
    before, sha256 = path.stat().st_size, sha256_of_file(path)
    content = read_content(path)
    state = tensors_in(content, shown)
    saved = None
    if isinstance(content, dict) and {"config", "categories"} <= content.keys():
        with reading(path, "Use a checkpoint.pt that 'sparseinst train' or 'sparseinst convert' wrote."):
            saved = unpack_checkpoint(content, path, sha256)
    num_classes = _num_classes(state, shown)
    run_config, others = _choose_config(config, saved, state, shown)
    classes = _choose_categories(categories, saved, content, num_classes)
    model = build_model(run_config.model, num_classes)
    report = load_weights(model, state, is_complete=True)
    iteration = saved.iteration if saved else _iteration(content)
    made = Checkpoint(model.state_dict(), run_config, classes, iteration, saved.data if saved else DataOrigin())
    file = _write(made, output, to)
    write_manifest(
        file.parent,
        kind="checkpoint",
        inputs={"weights": sha256, **made.data.inputs()},
        settings=run_config.to_dict(),
        files=[file],
        facts={"converted": report.layout, "from": shown, "to": to, "iterations": iteration},
        name=f"{file.name}.{MANIFEST}" if file == output else MANIFEST,
    )
    after = file.stat().st_size
    log.info("%s: %.1f MB became %.1f MB", path.name, before / 1e6, after / 1e6)
    return ConvertResult(file, report.layout, run_config.model.name, others, classes, before, after)


def _num_classes(state: Mapping[str, Tensor], where: str) -> int:
    if CLASS_BIAS not in state:
        raise SparseInstError(
            "The file has no class layer: it is not a whole SparseInst network.",
            where=where,
            fix="A backbone's weights are where training starts: give them to 'sparseinst train' as train.weights.",
        )
    return len(state[CLASS_BIAS])


def _choose_config(
    name: str, saved: Checkpoint | None, state: Mapping[str, Tensor], where: str
) -> tuple[RunConfig, Sequence[str]]:
    """The configuration, and the names of others that fit as well."""
    if name:
        return load_config(name), []
    if saved:
        return saved.config, []
    names = identify(state)
    if not names:
        raise ConfigError(
            "No published configuration has parameters of these names and shapes.",
            where=where,
            fix="Write what differs into a YAML file and give it as --config, "
            "e.g. {base: sparse_inst_r50_giam, model: {num_masks: 50}}.",
        )
    if len(names) > 1:
        log.info("%s it is; %s would fit as well (--config)", names[0], ", ".join(names[1:]))
    return load_config(names[0]), names[1:]


def _choose_categories(
    file: Path | None, saved: Checkpoint | None, content: Any, num_classes: int
) -> Sequence[Category]:
    names = mmdetection_names(content)
    if file:
        return _categories_of(file, names, num_classes)
    if saved:
        return saved.categories
    if len(names) == num_classes and names != [category.name for category in COCO_CATEGORIES]:
        return [Category(index + 1, name) for index, name in enumerate(names)]
    if num_classes == len(COCO_CATEGORIES):
        return COCO_CATEGORIES
    log.warning("the names of the %d classes are not known; --categories FILE gives them", num_classes)
    return [Category(index + 1, f"class {index + 1}") for index in range(num_classes)]


def _categories_of(file: Path, names: list[str], num_classes: int) -> list[Category]:
    content = read_json(file)
    listed = content.get("categories") if isinstance(content, dict) else None
    findings, _, categories = check_categories(listed if isinstance(listed, list) else [])
    if blocking(findings):
        raise_findings(blocking(findings), str(file))
    if len(categories) != num_classes:
        raise ConfigError(
            f"The file has {len(categories)} categories, the model knows {num_classes} classes.",
            where=f"--categories {file}",
            fix="Give the annotation file that the model was trained with.",
        )
    found = [category.name for category in categories]
    if found != names and sorted(found) == sorted(names):
        raise ConfigError(
            "The categories, sorted by id, are in another order than the model's classes.",
            where=f"--categories {file}",
            details=[f"{index}: {a}, the model: {b}" for index, (a, b) in enumerate(zip(found, names, strict=True))],
            fix="Leave --categories out, or give the ids in the model's order.",
        )
    return categories


def _iteration(content: Any) -> int:
    """After how many iterations the authors' or mmdetection's trainer saved the file; 0 where it does not say."""
    meta = content.get("meta") if isinstance(content, dict) else None
    value = meta.get("iter") if isinstance(meta, dict) else content.get("iteration") if isinstance(content, dict) else 0
    return value if isinstance(value, int) else 0


def _write(checkpoint: Checkpoint, output: Path, to: Target) -> Path:
    is_file = output.suffix in {".pt", ".pth"}
    if to == "ours":
        file = output if is_file else output / MODEL_NAME
        save_checkpoint(file, checkpoint)
        return file
    weights = dict(checkpoint.weights)
    content: dict[str, Any] = {"model": weights}
    if to == "mmdet":
        names = [category.name for category in checkpoint.categories]
        content = {
            "state_dict": to_mmdet(weights),
            "meta": {"iter": checkpoint.iteration, "dataset_meta": {"classes": tuple(names)}},
        }
    file = output if is_file else output / f"{re.sub(r'[^A-Za-z0-9_.-]', '_', checkpoint.config.model.name)}.pth"
    with atomic_path(file) as temporary:
        torch.save(content, temporary)
    return file

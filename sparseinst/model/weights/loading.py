"""Weights into a model: what fits, what is left as it is and why, and what stands in the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from sparseinst.errors import SparseInstError
from sparseinst.log import get_logger
from sparseinst.model.weights.layouts import COUNTER, Layout, recognise
from sparseinst.model.weights.reading import read_content, tensors_in

log = get_logger("weights")

CLASS_WEIGHT = "decoder.inst_branch.cls_score.weight"
CLASS_BIAS = "decoder.inst_branch.cls_score.bias"


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What became of every name, those of the model and those of the source.

    Attributes:
        layout: What the source was recognised as.
        loaded: How many tensors came from the source.
        kept: Names in the model whose values stayed as they were.
        dropped: Names in the source that were not used.
        class_head_swapped: The source knows another number of classes: the class layer kept its own values.
        summary: All of this in one sentence.
    """

    layout: str
    loaded: int
    kept: tuple[str, ...]
    dropped: tuple[str, ...]
    class_head_swapped: bool
    summary: str


@dataclass(frozen=True, slots=True)
class Fit:
    """How a source's names and shapes fit a model's.

    Attributes:
        tensors: What goes into the model, by the model's names.
        kept, dropped: As in `LoadReport`.
        classes: How many classes the source and the model know, where these numbers differ.
        problems: Why nothing may be loaded: one line for every name that is missing, unexpected or of another shape.
    """

    layout: Layout
    tensors: Mapping[str, Tensor]
    kept: tuple[str, ...]
    dropped: tuple[str, ...]
    classes: tuple[int, int] | None
    problems: tuple[str, ...]


def load_weights(
    model: nn.Module, source: str | Path | Mapping[str, Any], *, is_complete: bool = False, quiet: bool = False
) -> LoadReport:
    """Loads weights of this project, the SparseInst authors, mmdetection, or an ImageNet backbone.

    Nothing is loaded unless every name and shape is accounted for. Apart from what fits: a backbone leaves the encoder,
    the decoder and the offsets of deformable convolutions as they are, its classifier is not used, another number of
    classes leaves the class layer as it is, and frozen norms have no counters. All of that is logged in one line.

    Args:
        model: On any device, of any floating dtype.
        source: A checkpoint's path, s3://… or https://… (see `sparseinst.storage.weights`), or its content: a state
            dict, bare or under "model" or "state_dict". Files are read without running any code in them.
        is_complete: Every layer must come from the source; a mere backbone or another number of classes is an error.
        quiet: Nothing is logged.

    Raises:
        SparseInstError: The file cannot be fetched or read; or names are missing, unexpected or of another shape (all
            listed).
    """
    if isinstance(source, Mapping):
        where, content = "", source
    else:
        path = _local(source)
        where, content = str(path), read_content(path)
    state = tensors_in(content, where)
    fit = fit_weights(model.state_dict(), state, is_complete=is_complete)
    if fit.problems:
        counts = Counter(problem.partition(":")[0] for problem in fit.problems)
        raise SparseInstError(
            f"The weights ({fit.layout.title}) do not fit the model: {counts['missing']} missing, "
            f"{counts['unexpected']} unexpected, {counts['shape']} of another shape.",
            where=where,
            details=fit.problems,
            fix=_what_fits(state),
        )
    model.load_state_dict(fit.tensors, strict=False)  # `fit` is stricter
    summary = _summary(fit)
    if not quiet:
        log.info("%s", summary)
    return LoadReport(fit.layout.title, len(fit.tensors), fit.kept, fit.dropped, fit.classes is not None, summary)


def fit_weights(own: Mapping[str, Tensor], state: Mapping[str, Tensor], *, is_complete: bool = False) -> Fit:
    """Compares names and shapes. Values are not looked at: the tensors of `own` may be on the meta device.

    Raises:
        SparseInstError: The state dict's layout is not known.
    """
    layout = recognise(state)
    tensors: dict[str, Tensor] = {}
    dropped: list[str] = []
    problems: list[str] = []
    for name, tensor in state.items():
        ours = layout.rename(name)
        if layout.is_backbone and name.startswith(layout.classifier):
            dropped.append(name)
        elif ours in own and ours not in tensors:
            tensors[ours] = tensor
        elif ours.endswith(COUNTER) and ours.replace(COUNTER, "running_var") in own:
            dropped.append(name)
        else:
            problems.append(f"unexpected: {name} {tuple(tensor.shape)}")
    kept = [name for name in own if name not in tensors and _may_stay(name, layout, is_complete)]
    missing = [name for name in own if name not in tensors and name not in kept]
    problems += [f"missing: {name} {tuple(own[name].shape)}" for name in missing]
    classes = None if is_complete else _other_classes(own, tensors)
    if classes:
        for name in (CLASS_WEIGHT, CLASS_BIAS):
            del tensors[name]
            kept.append(name)
            dropped.append(name)
    problems += [
        f"shape: {name} is {tuple(tensor.shape)}, the model has {tuple(own[name].shape)}"
        for name, tensor in tensors.items()
        if tensor.shape != own[name].shape
    ]
    return Fit(layout, tensors, tuple(kept), tuple(dropped), classes, tuple(problems))


def _what_fits(state: Mapping[str, Tensor]) -> str:
    from sparseinst.model.weights.identify import identify

    names = identify(state)
    known = f": {' or '.join(names)}" if names else ""
    return f"Build the model from the configuration that the weights were trained with{known}."


def _local(source: str | Path) -> Path:
    if isinstance(source, Path):
        return source
    from sparseinst.storage.weights import fetch_weights

    return fetch_weights(source)


def _may_stay(name: str, layout: Layout, is_complete: bool) -> bool:
    if name.endswith(COUNTER):
        return True
    is_new = name.startswith(("encoder.", "decoder.")) or ".conv2_offset." in name
    return is_new and layout.is_backbone and not is_complete


def _other_classes(own: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> tuple[int, int] | None:
    """The numbers of classes in the source and in the model, if they are all that differs in the class layer."""
    if CLASS_WEIGHT not in tensors or CLASS_BIAS not in tensors:
        return None
    weight, bias, wanted = tensors[CLASS_WEIGHT].shape, tensors[CLASS_BIAS].shape, own[CLASS_WEIGHT].shape
    is_class_layer = len(weight) == 2 and weight[1:] == wanted[1:] and bias == weight[:1]
    return (weight[0], wanted[0]) if is_class_layer and weight[0] != wanted[0] else None


def _summary(fit: Fit) -> str:
    parts = [f"{len(fit.tensors)} tensors of {fit.layout.title} loaded"]
    if fit.classes:
        parts.append(f"the class layer starts anew ({fit.classes[0]} classes in the weights, {fit.classes[1]} here)")
    kept = Counter(_part(name) for name in fit.kept if name not in (CLASS_WEIGHT, CLASS_BIAS) or not fit.classes)
    dropped = Counter(_part(name) for name in fit.dropped if name not in (CLASS_WEIGHT, CLASS_BIAS))
    parts += [f"{_listed(kept)} kept as they were"] if kept else []
    parts += [f"{_listed(dropped)} not used"] if dropped else []
    return "; ".join(parts)


def _part(name: str) -> str:
    """What a name belongs to, for people."""
    if name.endswith(COUNTER):
        return "batch counters"
    return "offsets" if ".conv2_offset." in name else name.partition(".")[0]


def _listed(parts: Counter[str]) -> str:
    return ", ".join(f"{part} ({count})" for part, count in parts.items())

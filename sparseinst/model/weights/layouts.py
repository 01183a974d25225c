"""How different programs name the parameters of the same network. Our own names are the SparseInst authors'."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from sparseinst.errors import SparseInstError

COUNTER = "num_batches_tracked"  # of a batch norm; frozen norms have none, and no figure depends on it

# Beginnings of names as torchvision, timm and mmdetection have them in a ResNet, and ours; the first that fits counts.
_STEM = (("bn1.", "stem.conv1.norm."), ("conv1.", "stem.conv1."))
_BLOCK = (
    ("bn1.", "conv1.norm."),
    ("bn2.", "conv2.norm."),
    ("bn3.", "conv3.norm."),
    ("conv2.conv_offset.", "conv2_offset."),
    ("downsample.1.", "shortcut.norm."),
    ("downsample.0.", "shortcut."),
)


@dataclass(frozen=True, slots=True)
class Layout:
    """One way to name parameters.

    Attributes:
        title: What messages call it.
        rename: From its names to ours.
        classifier: Beginnings of the names of an ImageNet classifier, which we have no use for; empty where the file
            holds a whole SparseInst network and not just a backbone.
    """

    title: str
    rename: Callable[[str], str]
    classifier: tuple[str, ...] = ()

    @property
    def is_backbone(self) -> bool:
        return bool(self.classifier)


def recognise(names: Iterable[str]) -> Layout:
    """The layout that a state dict's names belong to.

    Raises:
        SparseInstError: None that we know.
    """
    known = frozenset(names)
    if any(name.startswith(("backbone.", "encoder.", "decoder.")) for name in known):
        return MMDETECTION if "backbone.conv1.weight" in known else AUTHORS
    for sign, layout in _BACKBONES.items():
        if sign in known:
            return layout
    raise SparseInstError(
        "The weights are of no network that is known here.",
        details=sorted(known)[:10],
        fix="Known: SparseInst as the authors, mmdetection and this project save it; ImageNet backbones of "
        "torchvision, timm and the PVT authors.",
    )


def to_mmdet(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A state dict of a ResNet model under mmdetection's names, in its order, with its batch counters.

    Raises:
        SparseInstError: The backbone is none that mmdetection's SparseInst has.
    """
    if "backbone.stem.conv1.weight" not in state:
        raise SparseInstError(
            "mmdetection has no SparseInst with this backbone.",
            fix="ResNet-18, -50 and -101 can be written for mmdetection; write others with --to authors.",
        )
    renamed: dict[str, Tensor] = {}
    for name in sorted(state, key=_mmdet_order(state)):
        renamed[_to_mmdet(name)] = state[name]
        counter = name.replace("running_var", COUNTER)
        if counter not in state and counter != name:
            renamed[_to_mmdet(counter)] = torch.zeros((), dtype=torch.int64)
    return renamed


def _mmdet_order(names: Iterable[str]) -> Callable[[str], tuple[int, ...]]:
    """The sort key of our names in mmdetection's order: a block's shortcut and its offsets come later than with us."""
    positions = {name: position for position, name in enumerate(names)}
    blocks: dict[str, int] = {}
    for name, position in positions.items():
        blocks.setdefault(_block_of(name), position)

    def key(name: str) -> tuple[int, ...]:
        block, _, offset = name.partition("conv2_offset.")  # of a deformable conv2: between its weight and its norm
        position = positions[f"{block}conv2.weight"] if offset else positions[name]
        return blocks[_block_of(name)], ".shortcut." in name, position, bool(offset), positions[name]

    return key


def _block_of(name: str) -> str:
    found = re.match(r"backbone\.res\d\.\d+\.", name)
    return found[0] if found else name


def _unchanged(name: str) -> str:
    return name


def _own_backbone(name: str) -> str:
    return f"backbone.{name}"


def _from_torchvision(name: str) -> str:
    found = re.fullmatch(r"layer(\d)\.(\d+)\.(.+)", name)
    if not found:
        return f"backbone.{_exchange(name, _STEM)}"
    return f"backbone.res{int(found[1]) + 1}.{found[2]}.{_exchange(found[3], _BLOCK)}"


def _from_mmdet(name: str) -> str:
    return _from_torchvision(name.removeprefix("backbone.")) if name.startswith("backbone.") else name


def _to_mmdet(name: str) -> str:
    inner = name.removeprefix("backbone.")
    if inner == name:
        return name
    found = re.fullmatch(r"res(\d)\.(\d+)\.(.+)", inner)
    if not found:
        return f"backbone.{_exchange(inner, _STEM, back=True)}"
    return f"backbone.layer{int(found[1]) - 1}.{found[2]}.{_exchange(found[3], _BLOCK, back=True)}"


def _from_timm_pvt(name: str) -> str:
    name = name.replace("mlp.dwconv.", "mlp.dwconv.dwconv.")
    found = re.fullmatch(r"stages\.(\d)\.(downsample|blocks|norm)\.(.+)", name)
    if not found:
        return f"backbone.{name.replace('patch_embed.', 'patch_embed1.')}"
    part = {"downsample": "patch_embed", "blocks": "block", "norm": "norm"}[found[2]]
    return f"backbone.{part}{int(found[1]) + 1}.{found[3]}"


def _exchange(name: str, pairs: tuple[tuple[str, str], ...], *, back: bool = False) -> str:
    for theirs, ours in pairs:
        old, new = (ours, theirs) if back else (theirs, ours)
        if name.startswith(old):
            return new + name.removeprefix(old)
    return name


AUTHORS = Layout("SparseInst", _unchanged)
MMDETECTION = Layout("mmdetection's SparseInst", _from_mmdet)

# A backbone's layout by a name that no other has.
_BACKBONES = {
    "conv1.weight": Layout("an ImageNet ResNet", _from_torchvision, ("fc.",)),
    "conv1.0.weight": Layout("timm's ResNet-vd", _own_backbone, ("fc.",)),
    "patch_embed1.proj.weight": Layout("an ImageNet PVTv2", _own_backbone, ("head.",)),
    "patch_embed.proj.weight": Layout("timm's PVTv2", _from_timm_pvt, ("head.",)),
    "stem.conv1.conv.weight": Layout("timm's DarkNet", _own_backbone, ("head.",)),
}

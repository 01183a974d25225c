"""Stages of the backbone that do not learn: few images of one's own teach them little and spoil much."""

from __future__ import annotations

import re

from torch import nn

_LEVELS = (
    (r"stem|conv1|bn1|patch_embed1|stages\.0", 1),
    (r"res2|layer1|block1|norm1|stages\.1", 2),
    (r"res3|layer2|patch_embed2|block2|norm2|stages\.2", 3),
    (r"res4|layer3|patch_embed3|block3|norm3|stages\.3", 4),
    (r"res5|layer4|patch_embed4|block4|norm4|stages\.4", 5),
)


def freeze_stages(backbone: nn.Module, count: int) -> list[nn.Module]:
    """Takes the first stages out of the learning: no gradients for their parameters.

    Args:
        backbone: Any of this project's.
        count: 1 the stem, 2 to 5 the stages after it as well; 0 nothing.

    Returns:
        The modules that must stay in `eval()` mode, so that their norms' statistics stay as they are.
    """
    frozen = []
    for name, module in backbone.named_modules():
        if name and not list(module.children()) and _level(name) <= count:
            module.requires_grad_(False)
            frozen.append(module)
    for name, parameter in backbone.named_parameters():  # those of modules that have children as well
        if _level(name) <= count:
            parameter.requires_grad_(False)
    return frozen


def _level(name: str) -> int:
    """Which stage a parameter or module of a backbone belongs to, 1 to 5."""
    for pattern, level in _LEVELS:
        if re.match(rf"({pattern})(\.|$)", name):
            return level
    raise ValueError(f"{name} belongs to no stage")

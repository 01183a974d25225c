"""The initialisations that the authors' model uses, under the names they carry in Caffe2."""

from __future__ import annotations

import math

from torch import nn

PRIOR_PROBABILITY = 0.01
PRIOR_BIAS = -math.log((1 - PRIOR_PROBABILITY) / PRIOR_PROBABILITY)  # sigmoid(PRIOR_BIAS) = PRIOR_PROBABILITY


def xavier(layer: nn.Conv2d | nn.Linear) -> None:
    """Caffe2's XavierFill: uniform with variance 1 / fan_in; bias 0."""
    nn.init.kaiming_uniform_(layer.weight, a=1)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def msra(layer: nn.Conv2d) -> None:
    """Caffe2's MSRAFill: normal with variance 2 / fan_out; bias 0."""
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def normal(layer: nn.Conv2d | nn.Linear, std: float, bias: float) -> None:
    """Normal with mean 0, and a constant bias."""
    nn.init.normal_(layer.weight, std=std)
    if layer.bias is not None:
        nn.init.constant_(layer.bias, bias)

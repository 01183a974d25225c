"""Finds convolutions and what follows them in a network's graph, and puts one fused convolution in their place."""

from __future__ import annotations

import operator

import torch
from torch import fx, nn
from torch.nn import functional as F

from sparseinst.model.backbones.deformable import DeformConv2d
from sparseinst.model.backbones.norm import ConvNorm, FrozenBatchNorm2d
from sparseinst.model.coordinates import append_coordinates
from sparseinst.model.inference.convolution import LEAKY_SLOPE, FusedConv
from sparseinst.model.inference.fold import Norm, fold
from sparseinst.model.inference.winograd import WinogradConv, suits_winograd


class _Tracer(fx.Tracer):
    """Looks into everything but layers."""

    def __init__(self) -> None:
        super().__init__(autowrap_functions=(append_coordinates,))

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        layers = (ConvNorm, FrozenBatchNorm2d, DeformConv2d)
        return isinstance(m, layers) or super().is_leaf_module(m, module_qualified_name)


def fuse(network: nn.Module, dtype: torch.dtype, *, winograd: bool = False) -> fx.GraphModule:
    """The network in `eval()` mode as a graph of fused convolutions of a dtype; all else stays as it is.

    With `winograd`, large 3x3 convolutions that nothing is added to are computed by Winograd's algorithm.
    """
    module = fx.GraphModule(network, _Tracer().trace(network))
    for node in list(module.graph.nodes):
        if isinstance(_layer(module, node), nn.Identity):
            node.replace_all_uses_with(node.args[0])
    module.graph.eliminate_dead_code()
    for node in list(module.graph.nodes):
        conv = _layer(module, node)
        if isinstance(conv, nn.Conv2d):
            _replace(module, node, conv, dtype, winograd)
            module.graph.eliminate_dead_code()
    for node in module.graph.nodes:
        fused = _layer(module, node)
        if isinstance(fused, FusedConv) and len(node.args) == 2:
            fused.in_place = _is_free(module, node.args[1], node)
    module.delete_all_unused_submodules()
    module.recompile()
    return module.eval()


def _replace(module: fx.GraphModule, node: fx.Node, conv: nn.Conv2d, dtype: torch.dtype, winograd: bool) -> None:
    """Puts a fused convolution in the place of a convolution and the norm, the sum and the activation after it."""
    last, other = node, None
    norm = conv.norm if isinstance(conv, ConvNorm) else _layer(module, _only_user(node))
    if not isinstance(norm, Norm):
        norm = None
    elif not isinstance(conv, ConvNorm):
        last = _only_user(node) or node
    total = _only_user(last)
    if total is not None and total.target is operator.add and _activation(module, _only_user(total)) == "relu":
        other = next((argument for argument in total.args if argument is not last), None)
        last = total
    activation = _activation(module, _only_user(last))
    if activation != "none":
        last = _only_user(last) or last
    weight, bias = fold(conv.weight, conv.bias, norm)
    fused: nn.Module
    if winograd and other is None and activation in ("none", "relu") and suits_winograd(conv):
        fused = WinogradConv(weight, bias, relu=activation == "relu")
    else:
        fused = FusedConv(conv, weight, bias, activation=activation, dtype=dtype)
    name = f"fused_{node.name}"
    module.add_submodule(name, fused)
    with module.graph.inserting_before(last):
        new = module.graph.call_module(name, (node.args[0],) if other is None else (node.args[0], other))
    last.replace_all_uses_with(new)


def _layer(module: fx.GraphModule, node: fx.Node | None) -> nn.Module | None:
    return module.get_submodule(str(node.target)) if node is not None and node.op == "call_module" else None


def _only_user(node: fx.Node | None) -> fx.Node | None:
    return next(iter(node.users)) if node is not None and len(node.users) == 1 else None


def _activation(module: fx.GraphModule, node: fx.Node | None) -> str:
    """The name of the activation that a node is; "none" where it is something else."""
    if node is None:
        return "none"
    if node.target is F.relu or isinstance(_layer(module, node), nn.ReLU):
        return "relu"
    slopes = (*node.args[1:2], node.kwargs.get("negative_slope"))  # tracing makes it a keyword
    return "leaky_relu" if node.target is F.leaky_relu and LEAKY_SLOPE in slopes else "none"


def _is_free(module: fx.GraphModule, other: fx.Node, node: fx.Node) -> bool:
    """Whether a node may write over a map: it is a convolution's own, and nobody reads it afterwards."""
    return isinstance(_layer(module, other), FusedConv) and all(user is node or user < node for user in other.users)

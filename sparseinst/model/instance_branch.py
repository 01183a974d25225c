"""Instance activation: each query points at its object with a weight map, and gathers the features below it.

Legend: B images, N queries, G groups, D channels, K classes, h and w the sides of the map at stride 8.

Source:
    Cheng et al., CVPR 2022, section 3.2; hustvl/SparseInst a899015, sparseinst/decoder.py.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sparseinst.model.config import ModelConfig
from sparseinst.model.initialisation import PRIOR_BIAS, msra, normal, xavier


def conv_stack(inputs: int, channels: int, count: int) -> nn.Sequential:
    """`count` times a 3x3 convolution and a ReLU."""
    layers: list[nn.Module] = []
    for index in range(count):
        conv = nn.Conv2d(inputs if index == 0 else channels, channels, 3, padding=1)
        msra(conv)
        layers += [conv, nn.ReLU()]
    return nn.Sequential(*layers)


class InstanceBranch(nn.Module):
    """One activation map per query ("base IAM").

    Gives class logits [B, N, K], mask kernels [B, N, kernel_dim] and objectness logits [B, N, 1].
    """

    mixes_groups = False

    def __init__(self, inputs: int, config: ModelConfig, num_classes: int) -> None:
        super().__init__()
        self.num_masks = config.num_masks
        self.groups = config.groups if self.mixes_groups else 1
        dim = config.instance_dim
        joined = dim * self.groups
        self.inst_convs = conv_stack(inputs, dim, config.instance_convs)
        self.iam_conv = nn.Conv2d(dim, self.num_masks * self.groups, 3, padding=1, groups=self.groups)
        if self.mixes_groups:
            self.fc = nn.Linear(joined, joined)
            xavier(self.fc)
        self.cls_score = nn.Linear(joined, num_classes)
        self.mask_kernel = nn.Linear(joined, config.kernel_dim)
        self.objectness = nn.Linear(joined, 1)
        normal(self.iam_conv, 0.01, PRIOR_BIAS)
        normal(self.cls_score, config.class_init_std, PRIOR_BIAS)
        normal(self.mask_kernel, 0.01, 0.0)

    def activate(self, logits: Tensor) -> Tensor:
        """[B, M, h * w] float32 activation logits to weights that sum to 1 over the cells of each map."""
        weights = logits.sigmoid()
        return weights / weights.sum(dim=-1, keepdim=True).clamp(min=1e-6)

    def gather(self, features: Tensor) -> Tensor:
        """[B, D, h, w] to one vector per query, [B, N, G * D]: its groups' vectors one after the other."""
        batch, dim = features.shape[0], features.shape[1]
        # Weights and their sum stay in float32: a half-precision sum over thousands of cells loses the small ones.
        weights = self.activate(self.iam_conv(features).flatten(2).float())
        vectors = torch.bmm(weights.to(features.dtype), features.flatten(2).transpose(1, 2))
        # The convolution's channels are group-major: channel g * N + n belongs to group g of query n.
        grouped = vectors.to(weights.dtype).reshape(batch, self.groups, self.num_masks, dim)
        return grouped.transpose(1, 2).reshape(batch, self.num_masks, self.groups * dim)

    def project(self, vectors: Tensor) -> Tensor:
        """Mixes the groups' vectors, [B, N, G * D] to the same shape; with a single map there is nothing to mix."""
        return vectors

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        vectors = self.project(self.gather(self.inst_convs(x)))
        return self.cls_score(vectors), self.mask_kernel(vectors), self.objectness(vectors)


class GroupInstanceBranch(InstanceBranch):
    """Several activation maps per query, their vectors joined and mixed ("G-IAM"). Any number of groups works."""

    mixes_groups = True

    def project(self, vectors: Tensor) -> Tensor:
        return F.relu(self.fc(vectors))


class GroupSoftInstanceBranch(GroupInstanceBranch):
    """G-IAM with a softmax over the cells in place of the normalised sigmoid: steadier in half precision."""

    def __init__(self, inputs: int, config: ModelConfig, num_classes: int) -> None:
        super().__init__(inputs, config, num_classes)
        self.softmax_bias = nn.Parameter(torch.ones(1))  # changes nothing (softmax is shift-invariant); in checkpoints

    def activate(self, logits: Tensor) -> Tensor:
        return (logits + self.softmax_bias).softmax(dim=-1)

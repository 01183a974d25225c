"""The memory of one rank in training, part by part."""

from __future__ import annotations

from dataclasses import dataclass, fields

from sparseinst.config import RunConfig
from sparseinst.training.plan.criterion_cost import criterion_bytes
from sparseinst.training.plan.network_cost import NetworkCost, network_cost
from sparseinst.training.plan.sizes import worst_size

USABLE = 0.9  # of a device's memory: what is left is for other programs, and for what this does not know

# CUDA's own, cuDNN's and NCCL's; then room for workspaces and for gaps between blocks. Not measured here. The authors
# log 9 % (fp32) and 14 % (fp16) more than the tensors that are counted for their run; nvidia-smi shows blocks in
# reserve as well, which are given back when memory runs short (hustvl/SparseInst, README at fd6fb38).
_GPU_BYTES, _GPU_SHARE = 700_000_000, 0.10
# glibc keeps freed blocks: ResNets of 18 and 50 layers with 1 and 2 images of 640 x 864 peaked 23 % to 52 % above what
# is counted here, and 1 % to 4 % above it where every block goes back at once (MALLOC_MMAP_THRESHOLD_=65536).
_CPU_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of one rank at the worst moment of a step.

    Attributes:
        weights: Parameters and buffers.
        gradients: Of the parameters that learn; with several ranks once more, as the exchange's buckets.
        optimizer: AdamW's two moments.
        ema: The averaged model, if there is one.
        activations: What the network keeps and works with for a micro-batch.
        criterion: Masks of the objects, scores and losses beyond that.
        images: The micro-batch's pixels.
        overhead: What no tensor shows: the device's context, workspaces, gaps.
    """

    weights: int
    gradients: int
    optimizer: int
    ema: int
    activations: int
    criterion: int
    images: int
    overhead: int

    @property
    def total(self) -> int:
        return sum(getattr(self, field.name) for field in fields(self))


@dataclass(frozen=True, kw_only=True, slots=True)
class Situation:
    """What the memory depends on beside the micro-batch.

    Attributes:
        config: The run's.
        num_classes: Of the data.
        largest_objects: In one image; None where nobody knows: as many as there are queries.
        ranks: Of the run.
        on_cpu: Whether the ranks compute on CPUs.
        mixed_orientations: Whether some images of the data lie and others stand.
    """

    config: RunConfig
    num_classes: int
    largest_objects: int | None = None
    ranks: int = 1
    on_cpu: bool = False
    mixed_orientations: bool = True

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the largest padded images, in pixels."""
        images = self.config.train.batch_size
        return worst_size(self.config.input, images=images, mixed_orientations=self.mixed_orientations)

    @property
    def objects(self) -> int:
        """In the fullest image."""
        return self.config.model.num_masks if self.largest_objects is None else self.largest_objects

    def network(self) -> NetworkCost:
        train = self.config.train
        in_half = train.precision not in ("fp32", "auto")
        return network_cost(self.config.model, self.num_classes, in_half, train.frozen_stages, self.size)


def estimate_memory(situation: Situation, micro_batch: int) -> Memory:
    """The memory for so many images at a time, all as large and as full of objects as they get.

    Without the overhead it was 1 % to 4 % below what real steps on a CPU took.
    """
    config, network = situation.config, situation.network()
    losses = criterion_bytes(
        config.model,
        situation.num_classes,
        situation.size,
        images=micro_batch,
        objects=situation.objects,
        is_half=network.is_half,
    )
    activations = max(line.at(micro_batch) for line in (network.forward, network.kept, network.backward))
    peak = max(activations, network.kept.at(micro_batch) + losses)
    height, width = situation.size
    return Memory(
        weights=network.weights,
        gradients=network.gradients * (2 if situation.ranks > 1 else 1),
        optimizer=2 * network.gradients,
        ema=network.weights if config.train.ema_decay else 0,
        activations=round(activations),
        criterion=round(peak - activations),
        images=micro_batch * 3 * height * width,
        overhead=round(peak * _CPU_SHARE) if situation.on_cpu else round(_GPU_BYTES + peak * _GPU_SHARE),
    )

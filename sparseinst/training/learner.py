"""The model, its optimizer and its average, and one step of all of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from sparseinst.data.loading.example import Example
from sparseinst.model.network import SparseInst
from sparseinst.training.agreement import Agreement
from sparseinst.training.config import TrainConfig
from sparseinst.training.criterion import Criterion
from sparseinst.training.frozen import freeze_stages
from sparseinst.training.optimizer import build_optimizer
from sparseinst.training.precision import DTYPES, Resolved
from sparseinst.training.ranks.group import Ranks
from sparseinst.training.targets import collect_targets

PARTS = ("loss_ce", "loss_mask", "loss_dice", "loss_objectness")
_SMALLEST_PICTURE = 64  # pixels; of the pass that only shows the ranks' exchange its order


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step gave, the same on every rank.

    Attributes:
        losses: The weighted losses of all images of the step.
        gradient_norm: The L2 norm of the gradient before clipping.
        is_sound: Whether the losses are numbers, and the weights moved or only the loss scale was too large.
        loss_scale: Of fp16; 1 otherwise.
    """

    losses: dict[str, float]
    gradient_norm: float
    is_sound: bool
    loss_scale: float = 1.0


class Learner:
    """What learns. All ranks hold the same weights."""

    def __init__(
        self, model: SparseInst, config: TrainConfig, ranks: Ranks, micro_batch: int, precision: Resolved
    ) -> None:
        """Training can begin after `start`.

        Args:
            model: Has the weights that training starts from.
            config: The recipe.
            ranks: Who trains together.
            micro_batch: Images that are computed at a time.
            precision: What convolutions compute in; matching and losses are in float32 always.
        """
        self.model, self.config, self.ranks, self.micro_batch = model, config, ranks, micro_batch
        self._frozen = freeze_stages(model.backbone, config.frozen_stages)
        model.to(ranks.device)
        if config.channels_last:
            model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.ema = _average(model, config)
        self.optimizer = build_optimizer(model, config)
        self.criterion = Criterion(config)
        self._autocast = torch.autocast(ranks.device.type, DTYPES[precision], enabled=precision != "fp32")
        self.scaler = torch.amp.GradScaler(ranks.device.type, enabled=precision == "fp16")
        self._parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        # Norms learn their statistics in the forward pass already: a step that is taken back must take them back too.
        self._statistics = [buffer for name, buffer in model.named_buffers() if _is_statistic(model, name)]
        self._network: nn.Module = model

    def start(self) -> None:
        """Puts the model to work, after its state is loaded: compiled, joined with the other ranks', in train mode."""
        if self.config.compile:
            for part in (self.model.backbone, self.model.encoder, self.model.decoder):
                part.compile()
        self.model.train()
        for module in self._frozen:
            module.eval()
        if self.ranks.world_size > 1:
            ids = [self.ranks.device.index] if self.ranks.device.type == "cuda" else None
            self._network = DistributedDataParallel(self.model, device_ids=ids, broadcast_buffers=False)
            self._settle()

    def step(self, examples: Sequence[Example], agreed: Agreement, lr: float, seed: tuple[int, int]) -> Outcome:
        """Forward, losses, backward, update; of several micro-batches the gradients add up.

        Args:
            examples: This rank's images.
            agreed: What holds for the images of all ranks.
            lr: The learning rate.
            seed: The run's seed and the iteration: they decide what layers leave out at random, so nothing of a
                generator has to be saved, and a run that was stopped draws what it would have drawn.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        before = [statistic.clone() for statistic in self._statistics]
        self.optimizer.zero_grad(set_to_none=True)
        parts = [examples[i : i + self.micro_batch] for i in range(0, len(examples), self.micro_batch)]
        total = torch.zeros(len(PARTS), device=self.ranks.device)
        for number, part in enumerate(parts):
            _seed_layers(*seed, self.ranks.rank * len(examples) + number * self.micro_batch)
            is_last = number == len(parts) - 1
            with nullcontext() if is_last else self._apart():
                losses = self._losses(part, agreed)
                self.scaler.scale(losses.sum()).backward()
            total += losses.detach()
        return self._update(total, before)

    def _losses(self, examples: Sequence[Example], agreed: Agreement) -> Tensor:
        """The four weighted losses, float32 [4], in the order of PARTS."""
        device = self.ranks.device
        images = [example.image.to(device, non_blocking=True) for example in examples]
        with self._autocast:
            raw = self._network(images, agreed.padded)
        return self.losses(raw, examples, agreed)

    def losses(self, raw: dict[str, Tensor], examples: Sequence[Example], agreed: Agreement) -> Tensor:
        """The four weighted losses of the raw outputs for some of a step's images, float32 [4]."""
        grid = (raw["pred_masks"].shape[2], raw["pred_masks"].shape[3])
        targets = collect_targets([example.target.to(self.ranks.device) for example in examples], agreed.padded, grid)
        losses = self.criterion(raw, targets, agreed.instances, agreed.matched)
        return torch.stack([losses[name] for name in PARTS])

    def _update(self, total: Tensor, before: Sequence[Tensor]) -> Outcome:
        """Moves the weights, unless a loss or a gradient is no number. The decision is the same on every rank."""
        self.scaler.unscale_(self.optimizer)
        gradients = [parameter.grad for parameter in self._parameters if parameter.grad is not None]
        norm = nn.utils.get_total_norm(gradients)
        if self.config.clip_gradient_norm:
            nn.utils.clip_grads_with_norm_(self._parameters, self.config.clip_gradient_norm, norm)
        values = torch.cat([self.ranks.mean(total), norm.detach().reshape(1)]).tolist()
        losses, gradient_norm = dict(zip(PARTS, values, strict=False)), values[-1]
        scale = self.scaler.get_scale()
        is_finite = all(map(math.isfinite, losses.values()))
        # In fp16 a gradient beyond the format's range is no accident: the scaler leaves the step out and scales less.
        is_sound = is_finite and (math.isfinite(gradient_norm) or (self.scaler.is_enabled() and scale > 1))
        if is_sound:
            self.scaler.step(self.optimizer)
        else:
            self._take_back(before)
        if self.scaler.is_enabled():
            self.scaler.update()
        if self.ema is not None and is_sound and math.isfinite(gradient_norm):
            self.ema.update_parameters(self.model)
        return Outcome(losses, gradient_norm, is_sound, scale)

    def _apart(self) -> AbstractContextManager[Any]:
        """Gradients stay on this rank for now; the last micro-batch's backward pass exchanges the sum."""
        network = self._network
        return network.no_sync() if isinstance(network, DistributedDataParallel) else nullcontext()

    def _settle(self) -> None:
        """A first pass that changes nothing.

        DistributedDataParallel arranges the order of its sums by its first backward pass. After this one the order is
        the same in a run that goes on as in one that was never stopped, and so are the last bits of the sums.
        """
        before = [statistic.clone() for statistic in self._statistics]
        side = _SMALLEST_PICTURE
        with self._autocast:
            raw = self._network([torch.zeros((3, side, side), dtype=torch.uint8, device=self.ranks.device)])
        torch.stack([output.float().sum() for output in raw.values()]).sum().backward()
        self._take_back(before)

    def _take_back(self, before: Sequence[Tensor]) -> None:
        """Forgets a pass: its gradients, and what norms learned from it."""
        self.optimizer.zero_grad(set_to_none=True)
        for statistic, value in zip(self._statistics, before, strict=True):
            statistic.copy_(value)

    def weights(self) -> dict[str, Tensor]:
        """What evaluation and export get: the average where there is one. The tensors are the living ones."""
        return dict((self.model if self.ema is None else self.ema.module).state_dict())

    def state(self) -> dict[str, Any]:
        """Everything that a resumed run needs of this; the tensors are the living ones."""
        average = None if self.ema is None else self.ema.state_dict()
        return {
            "model": self.model.state_dict(),
            "ema": average,
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Takes up what `state` gave; before `start`."""
        self.model.load_state_dict(state["model"])
        if self.ema is not None:
            self.ema.load_state_dict(state["ema"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])


def _average(model: nn.Module, config: TrainConfig) -> AveragedModel | None:
    if not config.ema_decay:
        return None
    return AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(config.ema_decay), use_buffers=True)


def _is_statistic(model: nn.Module, name: str) -> bool:
    owner = model.get_submodule(name.rpartition(".")[0])
    return isinstance(owner, nn.modules.batchnorm._BatchNorm) and owner.training


def _seed_layers(seed: int, iteration: int, position: int) -> None:
    """Sets torch's generators by what is computed, not by what was computed before."""
    torch.manual_seed(int(np.random.SeedSequence((seed, iteration, position)).generate_state(1, np.uint64)[0]))

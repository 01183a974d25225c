"""The ledger of live bytes, traffic and operations."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from sparseinst.training.plan.ledger import Ledger, without_values


def test_what_is_dropped_no_longer_counts_but_the_peak_stays():
    with without_values(), Ledger() as ledger:
        first = torch.zeros(1000)
        second = first * 2
        del second
        assert (ledger.live, ledger.peak) == (4000, 8000)
        assert ledger.mark() == 4000
        assert ledger.peak == 4000


def test_views_and_changes_in_place_need_no_memory():
    with without_values(), Ledger() as ledger:
        first = torch.zeros(10, 100)
        first.t().view(-1, 10)
        first.add_(1)
        assert ledger.live == ledger.peak == 4000


def test_values_are_not_needed_to_count_what_real_tensors_need():
    def steps() -> Ledger:
        with Ledger() as ledger:
            x = torch.zeros((2, 3, 32, 32), requires_grad=True)
            F.relu(F.conv2d(x, torch.ones((8, 3, 3, 3)))).square().sum().backward()
        return ledger

    real = steps()
    with without_values():
        fake = steps()
    assert (real.live, real.peak, real.traffic) == (fake.live, fake.peak, fake.traffic)


def test_a_grouped_convolution_costs_a_group_less_in_both_directions():
    flops = []
    for groups in (1, 4):
        with without_values(), Ledger() as ledger:
            x = torch.zeros((1, 8, 10, 10), requires_grad=True)
            weight = torch.zeros((8, 8 // groups, 1, 1), requires_grad=True)
            F.conv2d(x, weight, groups=groups).sum().backward()
        flops.append(ledger.flops)
    assert flops == [3 * 2 * 100 * 8 * 8, 3 * 2 * 100 * 8 * 2]

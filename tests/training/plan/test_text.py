"""The plan for people."""

from __future__ import annotations

from typing import Any

from sparseinst.config import RunConfig
from sparseinst.training.plan.make import plan_training
from sparseinst.training.plan.prices import load_prices
from sparseinst.training.plan.text import plan_text
from tests.training.plan.small import gpu, small_run, table


def text(config: RunConfig, **options: Any) -> list[str]:
    data = {"images": 117_266, "num_classes": 3, "largest_objects": 4, "gpus": 2, "prices": load_prices(), **options}
    return plan_text(plan_training(config, **data))


def test_the_key_figures_are_there():
    lines = text(small_run(iterations=270_000, batch_size=64, reference_batch=64, lr_steps=(210_000,)))
    assert lines[0] == "tiny: 270 000 steps of 64 images, about 147 epochs of 117 266 images"
    assert lines[1] == "2 GPUs: 32 images a step and GPU, train.precision=fp32"
    assert lines[2].startswith("a step: about ")
    assert lines[4].startswith("memory of a GPU with 32 images at a time: about ")
    whole = "\n".join(lines)
    for words in ("weights", "gradients", "optimizer", "activations", "losses and matching", "overhead"):
        assert words in whole
    for words in ("within a factor of two", "0.869 s", "RTX 3090", "examples, --prices FILE takes yours", "2026-08-26"):
        assert words in whole
    head = next(line for line in lines if line.startswith("GPU"))
    assert head.split() == ["GPU", "memory", "at", "a", "time", "computes", "in", "s/step", "hours", "USD"]
    (t4,) = (line for line in lines if line.startswith("  T4 "))
    assert t4.split()[:5] == ["T4", "16", "GB", "32", "fp32"]
    assert any(line.split()[:5] == ["H100", "80", "GB", "32", "tf32"] for line in lines)


def test_no_line_is_longer_than_100_columns():
    config = small_run(
        iterations=999, batch_size=15, reference_batch=64, micro_batch=4, precision="bf16", ema_decay=0.9
    )
    lines = text(config, largest_objects=4321, gpus=8, nodes=128, gpu="T4")
    assert max(map(len, lines)) <= 100
    assert sum(line.startswith("warning: ") for line in lines) == 2
    assert sum(line.startswith("refused: ") for line in lines) == 2
    assert sum(line.lstrip().startswith("fix: ") for line in lines) == 4


def test_parts_nodes_and_the_chosen_gpu_are_marked():
    lines = text(small_run(micro_batch=2), nodes=2, gpu="L4", images=None)
    assert lines[0] == "tiny: 1 000 steps of 16 images"
    assert lines[1].startswith("2 GPUs on each of 2 nodes: 4 images a step and GPU in 2 parts of 2")
    assert any(line.startswith("> L4 ") and "2 x 2" in line for line in lines)


def test_a_gpu_that_cannot_do_it_says_why_in_its_row():
    prices = table(gpu("Small", memory_gb=0.5), gpu("Old"), gpu("New", bf16_tflops=80))
    rows = {line.split()[0]: line for line in text(small_run(precision="bf16"), prices=prices) if "GB  " in line}
    assert "no bf16" in rows["Old"]
    assert rows["Old"].split()[-3:] == ["-", "-", "-"]
    prices = table(gpu("Small", memory_gb=0.5), gpu("New"))
    rows = {line.split()[0]: line for line in text(small_run(), prices=prices) if "GB  " in line}
    assert "does not fit" in rows["Small"]
    assert rows["New"].split()[-1] != "-"

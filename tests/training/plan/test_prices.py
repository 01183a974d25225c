"""The table of GPUs and their prices."""

from __future__ import annotations

from pathlib import Path

import pytest

from sparseinst.errors import ConfigError
from sparseinst.training.plan.prices import load_prices
from tests.training.plan.small import gpu

OWN = "gpus: {Mine: {memory_gb: 12, bandwidth_gbs: 400, fp32_tflops: 9, usd_per_hour: 0}}"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return path


def test_the_table_that_comes_along_has_the_usual_gpus_and_a_date():
    prices = load_prices()
    names = ["T4", "V100", "A10G", "L4", "RTX 3090", "L40S", "A100-40", "A100-80", "H100", "H200"]
    assert [gpu.name for gpu in prices.gpus] == names
    assert prices.date == "2026-08-26"
    assert prices.are_examples
    assert all(gpu.price_from and gpu.usd_per_hour > 0 for gpu in prices.gpus)


def test_peaks_are_of_dense_operations():
    """A sparse peak in their place would be twice as high: half precision is twice as quick as TF32 on all of them."""
    for each in load_prices().gpus:
        assert each.bf16_tflops in (0, each.fp16_tflops)
        if each.tf32_tflops:
            assert each.fp16_tflops == pytest.approx(2 * each.tf32_tflops, rel=0.02)


def test_float32_is_computed_in_tf32_where_a_gpu_can():
    assert gpu(tf32_tflops=40).computes_in("fp32") == ("tf32", 40)
    assert gpu().computes_in("fp32") == ("fp32", 10)
    assert gpu().computes_in("fp16") == ("fp16", 80)
    assert gpu().computes_in("bf16") == ("", 0.0)


def test_a_file_of_ones_own_takes_the_place_of_the_table(tmp_path: Path):
    prices = load_prices(written(tmp_path, OWN))
    assert [(gpu.name, gpu.memory_gb, gpu.usd_per_hour) for gpu in prices.gpus] == [("Mine", 12.0, 0.0)]
    assert prices.date == ""
    assert not prices.are_examples


def test_a_gpu_is_found_in_any_case_or_a_near_one_is_named():
    assert load_prices().gpu("rtx 3090").name == "RTX 3090"
    with pytest.raises(ConfigError, match="There is no GPU 'A100-8'") as caught:
        load_prices().gpu("A100-8")
    assert "Did you mean 'A100-80'?" in caught.value.fix


@pytest.mark.parametrize(
    ("text", "problem", "fix"),
    [
        ("- T4", "is a mapping", "date: 2026"),
        ("", "is a mapping", "date: 2026"),
        ("gpu: {}", "There is no entry 'gpu'", "Did you mean 'gpus'?"),
        ("gpus: {}", "names no GPU", "T4"),
        ("gpus: {T4: 3}", "A GPU is a mapping", "memory_gb"),
        (OWN.replace("memory_gb", "memory"), "There is no setting 'memory'", "Did you mean 'memory_gb'?"),
        (OWN.replace("fp32_tflops: 9, ", ""), "fp32_tflops: missing", "Give a number"),
        (OWN.replace("400", "fast"), "'fast' is not a number", "Give a number"),
        (OWN.replace("400", "0"), "0 does not do", "Give more than 0"),
        (OWN.replace("hour: 0", "hour: -1"), "-1 does not do", "Give 0 or more"),
        (OWN.replace("400", ".inf"), "inf does not do", "Give more than 0"),
        ("gpus: {", "The YAML cannot be read", "Mend the syntax"),
    ],
)
def test_what_is_wrong_in_a_file_is_named_with_a_way_out(tmp_path: Path, text: str, problem: str, fix: str):
    with pytest.raises(ConfigError) as caught:
        load_prices(written(tmp_path, text))
    assert problem in caught.value.problem
    assert fix in caught.value.fix
    assert "mine.yaml" in caught.value.where


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(ConfigError, match="cannot be read") as caught:
        load_prices(tmp_path / "none.yaml")
    assert "none.yaml" in caught.value.where

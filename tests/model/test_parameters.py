"""Our parameters have the names, shapes and order of the authors', so that checkpoints are theirs and ours alike."""

from __future__ import annotations

import hashlib
import json
import math
from functools import cache
from pathlib import Path

import pytest
import torch

from sparseinst.config import config_names, load_config
from sparseinst.errors import SparseInstError
from sparseinst.model.network import build_model
from sparseinst.model.weights.identify import identify, shapes_of
from sparseinst.model.weights.layouts import to_mmdet
from sparseinst.model.weights.loading import fit_weights

# Entries of the state dict, parameters (as published, except for r18 and r101_dcn), and the beginning of the SHA-256
# of its lines "name [shape]". The names were compared with the authors' code.
PARAMETERS = {
    "sparse_inst_cspdarknet53_giam": (455, 35_498_306, "79a2ff3e07d65b54"),
    "sparse_inst_darknet53_giam": (364, 49_466_049, "08f9851d325d4846"),
    "sparse_inst_pvt_b1_giam": (228, 22_164_129, "2e3198ecbea9c105"),
    "sparse_inst_pvt_b2_li_giam": (396, 30_708_641, "4c6d82ac5fc43537"),
    "sparse_inst_r101_dcn_giam": (624, 52_937_845, "81ad31ea1685ebd3"),
    "sparse_inst_r101_giam": (572, 51_734_689, "3ec781bc14d47209"),
    "sparse_inst_r18_giam": (152, 19_818_657, "398d7bf36db3be2b"),
    "sparse_inst_r50_base": (315, 31_584_373, "e595ebd7b4dc2765"),
    "sparse_inst_r50_dcn_giam_aug": (335, 33_292_611, "2e34454340166ddd"),
    "sparse_inst_r50_giam": (317, 32_794_785, "ab2b9a5abb920da1"),
    "sparse_inst_r50_giam_aug": (317, 32_794_785, "ab2b9a5abb920da1"),
    "sparse_inst_r50_giam_fp16": (317, 32_794_785, "ab2b9a5abb920da1"),
    "sparse_inst_r50_giam_soft": (318, 32_794_786, "78bdd2acdd1c27fb"),
    "sparse_inst_r50vd_base": (325, 31_603_477, "1a068078586a2a34"),
    "sparse_inst_r50vd_dcn_giam": (345, 33_311_715, "ad7d47b3981dccd9"),
    "sparse_inst_r50vd_dcn_giam_aug": (345, 33_311_715, "ad7d47b3981dccd9"),
    "sparse_inst_r50vd_giam": (327, 32_813_889, "beb481ffc6f6ba41"),
    "sparse_inst_r50vd_giam_aug": (327, 32_813_889, "beb481ffc6f6ba41"),
}
OFFICIAL = [name for name in PARAMETERS if name != "sparse_inst_r18_giam"]
RESNETS = [name for name in PARAMETERS if name.startswith(("sparse_inst_r18", "sparse_inst_r50_", "sparse_inst_r101"))]


def state_of(name: str) -> dict[str, torch.Tensor]:
    return shapes_of(load_config(name).model, num_classes=80)


def listing(state: dict[str, torch.Tensor]) -> list[tuple[str, list[int]]]:
    return [(name, list(tensor.shape)) for name, tensor in state.items()]


def expected(file: Path) -> list[tuple[str, list[int]]]:
    return [(entry["name"], entry["shape"]) for entry in json.loads(file.read_text())]


def test_the_table_holds_every_published_configuration() -> None:
    assert [name for name in config_names() if name.startswith("sparse_inst_")] == sorted(PARAMETERS)


@pytest.mark.parametrize("name", PARAMETERS)
def test_names_shapes_order_and_parameter_counts_are_as_published(name: str) -> None:
    with torch.device("meta"):
        model = build_model(name)
    lines = "".join(f"{entry} {shape}\n" for entry, shape in listing(model.state_dict()))
    count = sum(parameter.numel() for parameter in model.parameters())
    found = (len(model.state_dict()), count, hashlib.sha256(lines.encode()).hexdigest()[:16])
    assert found == PARAMETERS[name]


@pytest.mark.parametrize("name", OFFICIAL)
def test_every_file_of_the_authors_parameters_is_met(shared: Path, name: str) -> None:
    variant = name.removeprefix("sparse_inst_").removesuffix("_aug").removesuffix("_fp16")
    files = [shared / f"spec/params/official_{variant}{end}_params.json" for end in ("", "_aug")]
    official = expected(next(file for file in files if file.is_file()))
    assert listing(state_of(name)) == official
    learned = [shape for entry, shape in official if ".norm." not in entry and "bn" not in entry]
    if name == "sparse_inst_r101_dcn_giam":  # no count is published for it; all of its norms are frozen
        assert sum(map(math.prod, learned)) == PARAMETERS[name][1]


def test_every_file_belongs_to_a_configuration(shared: Path) -> None:
    ours = [listing(state_of(name)) for name in OFFICIAL]
    files = sorted((shared / "spec/params").glob("official_*.json"))
    assert files and all(expected(file) in ours for file in files)


@pytest.mark.parametrize(("variant", "name"), [("giam", "sparse_inst_r50_giam"), ("iam", "sparse_inst_r50_base")])
def test_what_is_written_for_mmdetection_is_what_mmdetection_writes(shared: Path, variant: str, name: str) -> None:
    assert listing(to_mmdet(state_of(name))) == expected(shared / f"spec/params/mmdet_r50_{variant}_params.json")


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_authors_names_are_ours_so_that_the_round_trip_changes_nothing(name: str) -> None:
    state = state_of(name)
    fit = fit_weights(state_of(name), state, is_complete=True)
    assert not fit.problems and not fit.dropped and not fit.kept
    assert list(fit.tensors) == list(state)
    assert all(fit.tensors[entry] is state[entry] for entry in state)


@pytest.mark.parametrize("name", RESNETS)
def test_the_round_trip_by_mmdetections_names_ends_where_it_began(name: str) -> None:
    state = state_of(name)
    theirs = to_mmdet(state)
    fit = fit_weights(state_of(name), theirs, is_complete=True)
    assert not fit.problems and not fit.kept
    assert {entry: id(tensor) for entry, tensor in fit.tensors.items()} == {k: id(v) for k, v in state.items()}
    assert set(fit.dropped) == {entry for entry in theirs if entry.endswith("num_batches_tracked")}


def test_mmdetections_offsets_follow_the_convolution_that_they_bend() -> None:
    names = list(to_mmdet(state_of("sparse_inst_r50_dcn_giam_aug")))
    first = names.index("backbone.layer3.0.conv2.weight")
    assert names[first + 1 : first + 4] == [
        "backbone.layer3.0.conv2.conv_offset.weight",
        "backbone.layer3.0.conv2.conv_offset.bias",
        "backbone.layer3.0.bn2.weight",
    ]


def test_mmdetection_has_no_other_backbones() -> None:
    with pytest.raises(SparseInstError, match="no SparseInst with this backbone"):
        to_mmdet(state_of("sparse_inst_pvt_b1_giam"))


def test_a_state_dict_tells_its_configuration_the_plain_one_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sparseinst.model.weights.identify.shapes_of", cache(shapes_of))
    for name, parameters in PARAMETERS.items():
        names = identify(shapes_of(load_config(name).model, num_classes=7))
        assert set(names) == {other for other, theirs in PARAMETERS.items() if theirs == parameters}
        assert names[0] == name.removesuffix("_aug").removesuffix("_fp16") or names == [name]


def test_mmdetections_names_tell_the_configuration_too_and_strangers_tell_none() -> None:
    state = state_of("sparse_inst_r50_base")
    assert identify(to_mmdet(state)) == ["sparse_inst_r50_base"]
    del state["encoder.fusion.bias"]
    assert identify(state) == []
    assert identify({"conv1.weight": torch.zeros(64, 3, 7, 7)}) == []

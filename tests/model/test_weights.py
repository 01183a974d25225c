"""Weights of every origin land where they belong; what stays behind is said, and what does not fit stops all."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor

import sparseinst
from sparseinst.config import load_config
from sparseinst.errors import SparseInstError, StorageError
from sparseinst.model.config import ModelConfig
from sparseinst.model.network import SparseInst
from sparseinst.model.weights import LoadReport
from sparseinst.model.weights.identify import shapes_of
from sparseinst.model.weights.layouts import to_mmdet
from sparseinst.model.weights.loading import Fit, fit_weights
from tests.model import imagenet_names
from tests.tiny import TINY

CLASS_LAYER = {f"decoder.inst_branch.cls_score.{part}" for part in ("weight", "bias")}


def network(classes: int = 3, seed: int = 0, config: ModelConfig = TINY) -> SparseInst:
    torch.manual_seed(seed)
    return SparseInst(config, classes)


def values(model: SparseInst) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def differing(model: SparseInst, state: Mapping[str, Tensor]) -> set[str]:
    return {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, state[name])}


def on_meta(shapes: imagenet_names.Shapes) -> dict[str, Tensor]:
    return {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}


def fit_backbone(name: str, shapes: imagenet_names.Shapes) -> tuple[Fit, dict[str, Tensor]]:
    source = on_meta(shapes)
    fit = fit_weights(shapes_of(load_config(name).model, 80), source)
    assert fit.problems == ()
    return fit, source


def test_our_own_and_the_authors_checkpoints_load_whole(caplog: pytest.LogCaptureFixture) -> None:
    source, model = network(seed=1), network()
    with caplog.at_level(logging.INFO, "sparseinst.weights"):
        report = sparseinst.load_weights(model, {"model": source.state_dict(), "optimizer": {}, "iteration": 5})
    assert differing(model, source.state_dict()) == set()
    assert report == LoadReport("SparseInst", len(source.state_dict()), (), (), False, report.summary)
    assert [record.getMessage() for record in caplog.records] == [report.summary]


def test_mmdetections_checkpoints_load_whole_their_counters_aside() -> None:
    source, model = network(seed=1), network()
    report = sparseinst.load_weights(model, {"state_dict": to_mmdet(source.state_dict()), "meta": {}})
    assert differing(model, source.state_dict()) == set()
    assert all(name.endswith("num_batches_tracked") for name in report.dropped)
    assert report.kept == () and "batch counters (20) not used" in report.summary


def test_learned_norms_take_weights_with_and_without_counters() -> None:
    learned = dataclasses.replace(TINY, norm="bn")
    source, model = network(seed=1), network(config=learned)
    report = sparseinst.load_weights(model, source.state_dict())
    assert all(name.endswith("num_batches_tracked") for name in report.kept) and report.kept
    assert int(model.state_dict()[report.kept[0]]) == 0
    trained = network(seed=2, config=learned)
    trained.state_dict()["backbone.stem.conv1.norm.num_batches_tracked"].fill_(9)
    for state in (trained.state_dict(), to_mmdet(trained.state_dict())):
        again = network(config=learned)
        report = sparseinst.load_weights(again, state)
        assert report.kept == report.dropped == () and differing(again, trained.state_dict()) == set()
    frozen = sparseinst.load_weights(network(), trained.state_dict())
    assert len(frozen.dropped) == 20 and frozen.kept == ()


@pytest.mark.parametrize(
    ("names", "millions"),
    [
        (imagenet_names.torchvision_resnet("resnet18"), 11.69),
        (imagenet_names.torchvision_resnet("resnet50"), 25.56),
        (imagenet_names.torchvision_resnet("resnet101"), 44.55),
        (imagenet_names.timm_resnet50d(), 25.58),
        (imagenet_names.authors_pvt("pvt_v2_b1"), 14.01),
        (imagenet_names.timm_pvt("pvt_v2_b2_linear"), 22.55),
        (imagenet_names.timm_darknet(cross_stage=True), 27.64),
        (imagenet_names.timm_darknet(cross_stage=False), 41.61),
    ],
)
def test_the_derived_imagenet_files_have_their_published_sizes(names: imagenet_names.Shapes, millions: float) -> None:
    statistics = ("running_mean", "running_var", "num_batches_tracked")
    count = sum(torch.Size(shape).numel() for name, shape in names.items() if not name.endswith(statistics))
    assert count / 1e6 == pytest.approx(millions, abs=0.005)


@pytest.mark.parametrize(
    ("configuration", "shapes", "places"),
    [
        (
            "sparse_inst_r18_giam",
            imagenet_names.torchvision_resnet("resnet18"),
            {"layer2.0.downsample.0.weight": "res3.0.shortcut.weight", "layer4.1.bn2.bias": "res5.1.conv2.norm.bias"},
        ),
        (
            "sparse_inst_r50_giam",
            imagenet_names.torchvision_resnet("resnet50"),
            {
                "conv1.weight": "stem.conv1.weight",
                "bn1.running_var": "stem.conv1.norm.running_var",
                "layer1.0.downsample.1.running_mean": "res2.0.shortcut.norm.running_mean",
                "layer4.2.conv3.weight": "res5.2.conv3.weight",
                "layer4.2.bn3.weight": "res5.2.conv3.norm.weight",
            },
        ),
        (
            "sparse_inst_r101_dcn_giam",
            imagenet_names.torchvision_resnet("resnet101"),
            {"layer3.22.conv2.weight": "res4.22.conv2.weight", "layer3.22.bn2.bias": "res4.22.conv2.norm.bias"},
        ),
        (
            "sparse_inst_r50vd_dcn_giam",
            imagenet_names.timm_resnet50d(),
            {"conv1.6.weight": "conv1.6.weight", "layer3.0.conv2.weight": "layer3.0.conv2.weight"},
        ),
        (
            "sparse_inst_pvt_b1_giam",
            imagenet_names.authors_pvt("pvt_v2_b1"),
            {"block3.1.attn.sr.weight": "block3.1.attn.sr.weight", "norm4.bias": "norm4.bias"},
        ),
        (
            "sparse_inst_pvt_b1_giam",
            imagenet_names.timm_pvt("pvt_v2_b1"),
            {
                "patch_embed.proj.weight": "patch_embed1.proj.weight",
                "stages.0.blocks.1.norm1.weight": "block1.1.norm1.weight",
                "stages.1.downsample.norm.bias": "patch_embed2.norm.bias",
                "stages.3.blocks.0.mlp.dwconv.weight": "block4.0.mlp.dwconv.dwconv.weight",
                "stages.3.norm.weight": "norm4.weight",
            },
        ),
        (
            "sparse_inst_pvt_b2_li_giam",
            imagenet_names.authors_pvt("pvt_v2_b2_linear"),
            {"block4.2.attn.norm.weight": "block4.2.attn.norm.weight"},
        ),
        (
            "sparse_inst_pvt_b2_li_giam",
            imagenet_names.timm_pvt("pvt_v2_b2_linear"),
            {"stages.2.blocks.5.attn.sr.bias": "block3.5.attn.sr.bias"},
        ),
        (
            "sparse_inst_cspdarknet53_giam",
            imagenet_names.timm_darknet(cross_stage=True),
            {"stages.4.conv_transition_b.bn.num_batches_tracked": "stages.4.conv_transition_b.bn.num_batches_tracked"},
        ),
        (
            "sparse_inst_darknet53_giam",
            imagenet_names.timm_darknet(cross_stage=False),
            {"stages.2.blocks.7.conv2.conv.weight": "stages.2.blocks.7.conv2.conv.weight"},
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_imagenet_backbone_fills_its_network(
    configuration: str, shapes: imagenet_names.Shapes, places: dict[str, str]
) -> None:
    fit, source = fit_backbone(configuration, shapes)
    assert all(fit.tensors[f"backbone.{ours}"] is source[theirs] for theirs, ours in places.items())
    assert len({id(tensor) for tensor in fit.tensors.values()}) == len(fit.tensors)
    assert all(name.startswith(("encoder.", "decoder.")) or ".conv2_offset." in name for name in fit.kept)
    assert all(name.startswith(("fc.", "head.")) or name.endswith("num_batches_tracked") for name in fit.dropped)
    assert len(fit.tensors) + len(fit.dropped) == len(source)


def test_a_backbones_values_arrive_and_the_rest_stays_as_it_was() -> None:
    generator = torch.Generator().manual_seed(0)
    shapes = imagenet_names.torchvision_resnet("resnet18")
    source = {name: torch.rand(shape, generator=generator) for name, shape in shapes.items()}
    config = dataclasses.replace(TINY, backbone_width=64)
    model, before = network(config=config), values(network(config=config))
    report = sparseinst.load_weights(model, source)
    after = model.state_dict()
    assert torch.equal(after["backbone.res3.0.shortcut.norm.bias"], source["layer2.0.downsample.1.bias"])
    assert torch.equal(after["backbone.stem.conv1.weight"], source["conv1.weight"])
    assert differing(model, before) == {name for name in after if name.startswith("backbone.")}
    assert "encoder (" in report.summary and "fc (2)" in report.summary


def test_offsets_of_deformable_convolutions_begin_at_none() -> None:
    fit, _ = fit_backbone("sparse_inst_r50_dcn_giam_aug", imagenet_names.torchvision_resnet("resnet50"))
    offsets = [name for name in fit.kept if ".conv2_offset." in name]
    assert len(offsets) == 2 * (6 + 3)
    detector = shapes_of(load_config("sparse_inst_r50_giam").model, 80)
    problems = fit_weights(shapes_of(load_config("sparse_inst_r50_dcn_giam_aug").model, 80), detector).problems
    assert len(problems) == len(offsets)  # a whole detector without them is another network


def test_another_number_of_classes_leaves_only_the_class_layer_behind() -> None:
    source, model, before = network(classes=5, seed=1), network(classes=3), values(network(classes=3))
    report = sparseinst.load_weights(model, source.state_dict())
    assert report.class_head_swapped and set(report.kept) == set(report.dropped) == CLASS_LAYER
    assert "5 classes in the weights, 3 here" in report.summary
    assert differing(model, before) & CLASS_LAYER == set()
    others = {name: tensor for name, tensor in source.state_dict().items() if name not in CLASS_LAYER}
    assert differing(model, {**others, **{name: before[name] for name in CLASS_LAYER}}) == set()


def test_a_class_layer_that_differs_in_more_is_no_other_number_of_classes() -> None:
    state = network(classes=5).state_dict()
    state["decoder.inst_branch.cls_score.bias"] = torch.zeros(6)
    with pytest.raises(SparseInstError, match="2 of another shape"):
        sparseinst.load_weights(network(), state)


def test_where_everything_must_come_from_the_source_nothing_may_be_left_out() -> None:
    with pytest.raises(SparseInstError, match="0 missing, 0 unexpected, 2 of another shape"):
        sparseinst.load_weights(network(), network(classes=5).state_dict(), is_complete=True)
    own = shapes_of(load_config("sparse_inst_r18_giam").model)
    fit = fit_weights(own, on_meta(imagenet_names.torchvision_resnet("resnet18")), is_complete=True)
    assert sum(problem.startswith("missing: decoder.") for problem in fit.problems) > 10


def test_one_error_lists_every_name_and_nothing_is_loaded() -> None:
    state = dict(to_mmdet(network(seed=1).state_dict()))
    del state["backbone.layer1.0.conv1.weight"], state["encoder.fusion.bias"]
    state["backbone.layer9.0.conv1.weight"] = state["backbone.stem.conv1.weight"] = torch.zeros(2, 2)
    state["backbone.bn1.bias"] = torch.zeros(9)
    model, before = network(), values(network())
    with pytest.raises(SparseInstError, match="2 missing, 2 unexpected, 1 of another shape") as caught:
        sparseinst.load_weights(model, state)
    assert set(caught.value.details) == {
        "missing: backbone.res2.0.conv1.weight (8, 8, 3, 3)",
        "missing: encoder.fusion.bias (16,)",
        "unexpected: backbone.layer9.0.conv1.weight (2, 2)",
        "unexpected: backbone.stem.conv1.weight (2, 2)",
        "shape: backbone.stem.conv1.norm.bias is (9,), the model has (8,)",
    }
    assert differing(model, before) == set()


def test_the_error_says_which_configuration_would_fit() -> None:
    published = shapes_of(load_config("sparse_inst_r50_base").model)
    with pytest.raises(SparseInstError) as caught:
        sparseinst.load_weights(network(), published)
    assert caught.value.fix.endswith(": sparse_inst_r50_base.")


def test_weights_of_another_network_are_not_taken() -> None:
    with pytest.raises(SparseInstError, match="no network that is known here") as caught:
        sparseinst.load_weights(network(), {"features.0.weight": torch.zeros(1)})
    assert caught.value.details == ("features.0.weight",)


def test_files_load_from_paths_and_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, path = network(seed=1), tmp_path / "w.pth"
    torch.save({"model": source.state_dict()}, path)
    places = {str(path): path, "s3://bucket/w.pth": path}
    monkeypatch.setattr("sparseinst.storage.weights.fetch_weights", places.__getitem__)
    for place in (path, str(path), "s3://bucket/w.pth"):
        model = network()
        sparseinst.load_weights(model, place)
        assert differing(model, source.state_dict()) == set()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    for place in (tmp_path / "missing.pth", str(tmp_path / "missing.pth")):
        with pytest.raises((SparseInstError, StorageError)) as caught:
            sparseinst.load_weights(network(), place)
        assert str(tmp_path / "missing.pth") in str(caught.value)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float64])
def test_a_model_of_another_dtype_keeps_it(dtype: torch.dtype) -> None:
    source, model = network(seed=1), network().to(dtype)
    sparseinst.load_weights(model, source.state_dict())
    assert {tensor.dtype for tensor in model.state_dict().values()} == {dtype}
    assert differing(model, source.to(dtype).state_dict()) == set()


@pytest.mark.gpu
def test_a_model_on_the_gpu_stays_there() -> None:
    if not torch.cuda.is_available():
        pytest.skip("needs an NVIDIA GPU")
    source, model = network(seed=1), network().cuda()
    sparseinst.load_weights(model, source.state_dict())
    assert differing(model, source.cuda().state_dict()) == set()

"""The network takes images of any size and says what is wrong with those it cannot take."""

from __future__ import annotations

import pytest
import torch

import sparseinst
from sparseinst.errors import ConfigError, SparseInstError
from sparseinst.model.config import ModelConfig
from sparseinst.model.network import SparseInst
from sparseinst.model.preprocessing import batch_images, normalise
from tests.tiny import TINY


@pytest.fixture(scope="module")
def model() -> SparseInst:
    torch.manual_seed(0)
    return SparseInst(TINY, num_classes=3).eval()


def picture(height: int, width: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (3, height, width), generator=generator, dtype=torch.uint8)


@pytest.mark.parametrize(("height", "width"), [(1, 1000), (33, 47), (64, 64), (427, 640)])
def test_any_size_gives_masks_of_the_original_size(model: SparseInst, height: int, width: int) -> None:
    (found,) = model.predict([picture(height, width)], sizes=[(50, 70)])
    assert found.masks.shape == (len(found.scores), 50, 70)
    assert found.masks.dtype == torch.bool


def test_raw_outputs_have_the_documented_shapes(model: SparseInst) -> None:
    raw = model([picture(60, 90), picture(33, 20)])
    assert raw["pred_logits"].shape == (2, 6, 3)
    assert raw["pred_scores"].shape == (2, 6, 1)
    assert raw["pred_masks"].shape == (2, 6, 16, 24)


@pytest.mark.parametrize("decoder", ["base", "group", "group_soft"])
@pytest.mark.parametrize("groups", [1, 2, 3])
def test_every_decoder_works_with_every_group_count(decoder: str, groups: int) -> None:
    config = ModelConfig(
        backbone="resnet18", backbone_width=8, encoder_channels=16, decoder=decoder, groups=groups, instance_dim=12
    )
    raw = SparseInst(config, num_classes=2)([picture(64, 64)])
    assert raw["pred_logits"].shape == (1, 100, 2)
    assert bool(torch.isfinite(raw["pred_masks"]).all())


def test_a_querys_groups_are_joined_in_group_order() -> None:
    branch = SparseInst(TINY, num_classes=3).decoder.inst_branch
    features = torch.rand(1, 16, 4, 4)
    weights = branch.activate(branch.iam_conv(features).flatten(2))  # channel g * N + n is group g of query n
    vectors = weights @ features.flatten(2).transpose(1, 2)
    joined = branch.gather(features)
    for query in range(6):
        expected = torch.cat([vectors[0, group * 6 + query] for group in range(4)])
        torch.testing.assert_close(joined[0, query], expected)


def test_padding_is_the_mean_colour() -> None:
    batch = batch_images([picture(30, 40), picture(64, 10)])
    assert batch.shape == (2, 3, 64, 64)
    assert bool((batch[0, :, 30:] == 0).all())
    assert bool((batch[1, :, :, 10:] == 0).all())
    torch.testing.assert_close(batch[0, :, :30, :40], normalise(picture(30, 40)))


def test_max_detections_keeps_the_best() -> None:
    torch.manual_seed(0)
    model = SparseInst(ModelConfig(backbone="resnet18", backbone_width=8, max_detections=3), num_classes=3).eval()
    everything = SparseInst(ModelConfig(backbone="resnet18", backbone_width=8), num_classes=3).eval()
    everything.load_state_dict(model.state_dict())
    (few,), (all_,) = model.predict([picture(64, 64)]), everything.predict([picture(64, 64)])
    assert len(all_.scores) > 3
    assert sorted(few.scores.tolist(), reverse=True) == sorted(all_.scores.tolist(), reverse=True)[:3]


@pytest.mark.parametrize(
    "image",
    [
        torch.zeros(3, 8, 8),
        torch.zeros(4, 8, 8, dtype=torch.uint8),
        torch.zeros(8, 8, dtype=torch.uint8),
        torch.zeros(3, 0, 8, dtype=torch.uint8),
    ],
)
def test_a_wrong_image_is_named(model: SparseInst, image: torch.Tensor) -> None:
    with pytest.raises(SparseInstError, match="image 1"):
        model.predict([picture(8, 8), image])


def test_no_images_and_wrong_sizes_are_refused(model: SparseInst) -> None:
    with pytest.raises(SparseInstError, match="no images"):
        model([])
    with pytest.raises(SparseInstError, match="sizes"):
        model.predict([picture(8, 8)], sizes=[])


def test_build_model_knows_the_published_names() -> None:
    model = sparseinst.build_model("sparse_inst_r50_base", num_classes=80)
    assert sum(parameter.numel() for parameter in model.parameters()) == 31_584_373
    with pytest.raises(ConfigError, match="Did you mean"):
        sparseinst.build_model("sparse_inst_r50_bass")


def test_weights_that_do_not_fit_are_listed_and_nothing_is_loaded(model: SparseInst) -> None:
    other = SparseInst(TINY, num_classes=3)
    before = {name: tensor.clone() for name, tensor in other.state_dict().items()}
    state = dict(model.state_dict())
    state["surplus"] = torch.zeros(1)
    del state["encoder.fusion.bias"]
    state["decoder.inst_branch.cls_score.bias"] = torch.zeros(9)
    with pytest.raises(SparseInstError) as caught:
        sparseinst.load_weights(other, state)
    for words in ("missing: encoder.fusion.bias", "unexpected: surplus", "cls_score.bias is (9,)"):
        assert words in str(caught.value)
    assert all(torch.equal(before[name], tensor) for name, tensor in other.state_dict().items())

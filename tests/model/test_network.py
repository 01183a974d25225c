"""The network takes images of any size and says what is wrong with those it cannot take."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

import sparseinst
from sparseinst.errors import ConfigError, SparseInstError
from sparseinst.imaging.read import read_image
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


@pytest.mark.parametrize(("height", "width"), [(1, 1000), (33, 47), (64, 64), (427, 640), (3000, 4000)])
def test_any_size_gives_the_instances_that_the_definition_gives(model: SparseInst, height: int, width: int) -> None:
    (found,) = model.predict([picture(height, width)])
    scores, classes, queries, masks = by_definition(model, picture(height, width))
    assert found.queries.tolist() == queries.tolist()
    assert found.classes.tolist() == classes.tolist()
    torch.testing.assert_close(found.scores, scores, atol=1e-5, rtol=0)
    assert found.masks.shape == masks.shape == (len(scores), height, width)
    assert found.masks.dtype == torch.bool
    assert float((found.masks != masks).float().mean()) < 1e-3


@torch.no_grad()
def by_definition(model: SparseInst, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Scores, classes, queries and masks as the specification of the authors' inference says, step by step."""
    height, width = image.shape[1:]
    mean, std = torch.tensor([123.675, 116.28, 103.53]), torch.tensor([58.395, 57.12, 57.375])
    pixels = (image.float() - mean[:, None, None]) / std[:, None, None]
    padded = torch.zeros(1, 3, -(-height // 32) * 32, -(-width // 32) * 32)
    padded[0, :, :height, :width] = pixels
    logits, objectness, mask_logits = model.decoder(model.encoder(model.backbone(padded)))
    scores, classes = (logits[0].sigmoid() * objectness[0].sigmoid()).sqrt().max(dim=1)
    (queries,) = torch.where(scores > 0.005)
    masks = mask_logits[0, queries].sigmoid()
    inside = masks > 0.45
    scores = scores[queries] * (masks * inside).sum((1, 2)) / (inside.sum((1, 2)) + 1e-6)
    masks = F.interpolate(masks[:, None], size=padded.shape[2:], mode="bilinear", align_corners=False)
    masks = masks[:, :, :height, :width]
    masks = F.interpolate(masks, size=(height, width), mode="bilinear", align_corners=False)[:, 0]
    return scores, classes[queries], queries, masks > 0.45


def test_masks_have_the_original_size_for_any_mix_in_a_batch(model: SparseInst) -> None:
    images = [picture(33, 47), picture(1, 1000), picture(64, 64), picture(427, 640)]
    sizes = [(50, 70), (3, 2000), (64, 64), (300, 300)]
    found = model.predict(images, sizes=sizes)
    assert [tuple(one.masks.shape[1:]) for one in found] == sizes
    alone = model.predict(images[2:3], sizes=sizes[2:3])
    assert len(alone[0]) == len(found[2])  # the padding differs with the batch, and with it the numbers a little


@pytest.mark.parametrize(("bias", "count"), [(-20.0, 0), (20.0, 6)])
def test_no_query_or_every_query_may_be_kept(bias: float, count: int) -> None:
    torch.manual_seed(0)
    model = SparseInst(TINY, num_classes=3).eval()
    torch.nn.init.constant_(model.decoder.inst_branch.cls_score.bias, bias)
    (found,) = model.predict([picture(50, 60)], sizes=[(70, 90)])
    assert found.masks.shape == (count, 70, 90)
    assert len(found.rles) == len(found.polygons()) == len(found.boxes()) == count


def test_grey_and_turned_files_are_seen_as_their_viewers_see_them(model: SparseInst, tmp_path: Path) -> None:
    pixels = picture(40, 60).permute(1, 2, 0).numpy()
    grey = Image.fromarray(pixels).convert("L")
    grey.save(tmp_path / "grey.png")
    turned = Image.fromarray(pixels)
    exif = turned.getexif()
    exif[0x0112] = 6  # the camera was held upright: turn clockwise to view
    turned.save(tmp_path / "turned.png", exif=exif)
    for name, viewed in (("grey.png", grey.convert("RGB")), ("turned.png", turned.rotate(-90, expand=True))):
        read = torch.from_numpy(read_image(tmp_path / name)).permute(2, 0, 1)
        (found,) = model.predict([read])
        (expected,) = model.predict([torch.from_numpy(np.array(viewed)).permute(2, 0, 1)])
        assert torch.equal(found.masks, expected.masks)
        assert torch.equal(found.scores, expected.scores)


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
        np.zeros((3, 8, 8), np.uint8),
        Image.new("RGB", (8, 8)),
    ],
)
def test_a_wrong_image_is_named(model: SparseInst, image: Any) -> None:
    with pytest.raises(SparseInstError, match="image 1"):
        model.predict([picture(8, 8), image])


def test_no_images_and_wrong_sizes_are_refused(model: SparseInst) -> None:
    with pytest.raises(SparseInstError, match="no images"):
        model([])
    with pytest.raises(SparseInstError, match="sizes"):
        model.predict([picture(8, 8)], sizes=[])
    with pytest.raises(SparseInstError, match="at least 1 pixel"):
        model.predict([picture(8, 8)], sizes=[(0, 8)])


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


def test_masks_can_be_drawn_on_a_finer_grid_by_the_same_weights() -> None:
    torch.manual_seed(0)
    model = SparseInst(TINY, num_classes=3).eval()
    torch.nn.init.normal_(model.decoder.inst_branch.mask_kernel.weight, std=3.0)  # masks with outlines
    fine = SparseInst(dataclasses.replace(TINY, mask_scale=8), num_classes=3).eval()
    fine.load_state_dict(model.state_dict())
    image = picture(60, 90)
    assert fine([image])["pred_masks"].shape == (1, 6, 64, 96)
    (coarse_found,), (fine_found,) = model.predict([image], [(120, 180)]), fine.predict([image], [(120, 180)])
    assert fine_found.masks.shape == coarse_found.masks.shape == (6, 120, 180)
    same = (fine_found.masks == coarse_found.masks).float().mean()
    assert 0.9 < float(same) < 1  # the same objects, with other outlines


def test_the_package_gives_its_four_names_and_no_others() -> None:
    assert {name: getattr(sparseinst, name).__name__ for name in sparseinst.__all__} == {
        n: n for n in sparseinst.__all__
    }
    with pytest.raises(AttributeError, match="no attribute 'build_modell'"):
        _ = sparseinst.build_modell

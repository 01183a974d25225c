"""The golden weights, images and targets are made again bit for bit."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from sparseinst.config import config_names
from sparseinst.model.network import SparseInst
from tests.golden.golden_file import ORIGINAL_SIZES, Golden
from tests.golden.golden_model import golden_model
from tests.golden.recipe import golden_images, golden_targets, lateral_gain

SHARED = Path(__file__).parents[3] / "shared" / "goldens"  # beside this checkout


@pytest.fixture(scope="module")
def model(golden: Golden) -> SparseInst:
    return golden_model(golden)


def test_there_is_a_configuration_of_every_golden_models_name(golden_path: Path) -> None:
    assert golden_path.stem in config_names()


def test_the_state_is_the_references(model: SparseInst, golden: Golden) -> None:
    if golden.meta is None:
        pytest.skip("meta.json says nothing about this model")
    state = model.state_dict()
    digest = hashlib.sha256()
    for name, tensor in state.items():
        array = tensor.numpy()
        digest.update(name.encode())
        digest.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
    assert len(state) == golden.meta["n_state"]
    assert sum(parameter.numel() for parameter in model.parameters()) == golden.meta["n_params"]
    assert sum(p.numel() for p in model.parameters() if p.requires_grad) == golden.meta["n_trainable"]
    assert digest.hexdigest() == golden.meta["state_sha256"]
    assert [[*image.shape[1:]] for image in golden_images()] == golden.meta["image_sizes"]


@pytest.mark.parametrize(
    ("name", "gain"),
    [
        ("sparse_inst_r50_base", 0.04),
        ("sparse_inst_r50_dcn_giam_aug", 0.04),
        ("sparse_inst_r50vd_dcn_giam_aug", 0.04),
        ("sparse_inst_r101_giam", 0.004),
        ("sparse_inst_r101_dcn_giam", 0.004),
        ("sparse_inst_darknet53_giam", 0.004),
        ("sparse_inst_cspdarknet53_giam", 0.01),
        ("sparse_inst_pvt_b2_li_giam", 0.16),
    ],
)
def test_the_lateral_gain_follows_from_the_name(name: str, gain: float) -> None:
    assert lateral_gain(name) == gain


def test_images_and_targets_are_the_references(goldens: Path) -> None:
    paths = [folder / "inputs_targets.npz" for folder in (goldens, SHARED)]
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        pytest.skip(f"there is neither {paths[0]} nor {paths[1]}")
    with np.load(path) as arrays:
        wanted = dict(arrays)
    ours = {}
    for tag, image, target, size in zip("AB", golden_images(), golden_targets(), ORIGINAL_SIZES, strict=True):
        masks = target.masks.numpy()
        ours |= {f"image_{tag}": image.numpy(), f"ori_{tag}": size, f"labels_{tag}": target.classes.numpy()}
        ours |= {f"masks_{tag}": np.packbits(masks), f"masks_{tag}_shape": masks.shape}  # eight pixels a byte
    assert ours.keys() == wanted.keys()
    for name, value in wanted.items():
        np.testing.assert_array_equal(ours[name], value, err_msg=name)

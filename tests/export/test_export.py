"""An export answers as its checkpoint does, for any size and batch, or it is not written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sparseinst.config import RunConfig
from sparseinst.data.categories import Category
from sparseinst.data.config import InputConfig
from sparseinst.errors import ConfigError, ExportError
from sparseinst.evaluation.instances import Instances
from sparseinst.export.comparison import compare
from sparseinst.export.contract import OUTPUTS, fingerprint
from sparseinst.export.export import describe, export
from sparseinst.export.torchscript import ServedModel, load_script, script
from sparseinst.model.config import ModelConfig
from sparseinst.model.network import SparseInst
from sparseinst.training.checkpoint import Checkpoint, load_checkpoint, restore_model, save_checkpoint

CONFIG = RunConfig(
    model=ModelConfig(
        backbone="resnet18",
        backbone_width=8,
        norm="bn",
        encoder_channels=16,
        num_masks=12,
        instance_dim=16,
        mask_dim=16,
    ),
    input=InputConfig(short_side=64, longest_side=96),
)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with lively random weights: untrained ones would give flat masks, which prove nothing."""
    torch.manual_seed(0)
    model = SparseInst(CONFIG.model, num_classes=2)
    with torch.no_grad():
        model.decoder.inst_branch.iam_conv.weight.normal_(std=0.5)
        model.decoder.inst_branch.mask_kernel.weight.normal_(std=0.5)
        model.decoder.inst_branch.cls_score.weight.normal_(std=0.5)
    path = tmp_path_factory.mktemp("run") / "checkpoint.pt"
    save_checkpoint(path, Checkpoint(model.state_dict(), CONFIG, [Category(1, "disc"), Category(4, "ring")], 7))
    return path


def test_an_export_holds_all_that_triton_needs_and_its_proof(checkpoint: Path, tmp_path: Path) -> None:
    result = export(checkpoint, tmp_path / "out", name="shapes")
    folder = tmp_path / "out" / "shapes"
    assert (folder / "labels.txt").read_text() == "disc\nring\n"
    assert 'name: "shapes"' in (folder / "config.pbtxt").read_text()
    parity = json.loads((tmp_path / "out" / "parity.json").read_text())
    assert parity == result.parity
    assert parity["passed"]
    assert parity["instances_compared"] > 50
    assert {case["batch"] for case in parity["cases"]} == {1, 4}
    assert len({(case["height"], case["width"]) for case in parity["cases"]}) >= 3
    scripted, metadata = load_script(folder / "1" / "model.pt")
    assert scripted(torch.zeros((2, 3, 40, 50), dtype=torch.uint8))[-1].tolist() == [list(fingerprint(metadata))] * 2
    assert [category["name"] for category in metadata["categories"]] == ["disc", "ring"]
    with np.load(tmp_path / "out" / "golden.npz") as golden:
        image = torch.from_numpy(golden["image_1"])[None]
        answers = scripted(image)
        for spec, answer in zip(OUTPUTS, answers, strict=True):
            assert str(answer.numpy().dtype) == spec.dtype
            np.testing.assert_array_equal(answer[0].numpy(), golden[f"{spec.name}_1"])


def test_crops_hold_the_codes_of_each_mask_and_its_edge(checkpoint: Path, tmp_path: Path) -> None:
    export(checkpoint, tmp_path / "out")
    scripted, _ = load_script(tmp_path / "out" / "sparseinst" / "1" / "model.pt")
    images = torch.randint(0, 256, (2, 3, 240, 170), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    _, _, codes, crops, boxes, _ = (output.numpy() for output in scripted(images))
    assert 0 < (codes > 128).mean() < 1
    for mask, crop, box in zip(codes.reshape(-1, 64, 48), crops.reshape(-1, 60, 60), boxes.reshape(-1, 6), strict=True):
        top, left, bottom, right, *sides = box.tolist()
        rows, columns = (np.flatnonzero((mask > 128).any(axis)) for axis in (1, 0))
        if not len(rows):
            assert box.tolist() == [0, 0, 0, 0, 64, 48]
            continue
        assert (top, bottom) == (max(rows[0] - 1, 0), min(rows[-1] + 2, 64))
        assert (left, right) == (max(columns[0] - 1, 0), min(columns[-1] + 2, 48))
        assert sides == [64, 48]
        if bottom - top <= 60:
            np.testing.assert_array_equal(crop[: bottom - top, : right - left], mask[top:bottom, left:right])


def test_what_would_take_all_memory_is_refused_or_done_in_parts(checkpoint: Path) -> None:
    saved = load_checkpoint(checkpoint)
    metadata = {**describe(saved), "max_pixels": 64 * 96}
    scripted = script(restore_model(saved), metadata)
    images = torch.randint(0, 256, (5, 3, 40, 70), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    whole = scripted(images)  # two images a part
    for index in range(5):
        for output, alone in zip(whole, scripted(images[index : index + 1]), strict=True):
            step = 1 if output.dtype == torch.uint8 else 1e-5  # a code may be rounded to either side
            torch.testing.assert_close(output[index].double(), alone[0].double(), atol=step, rtol=0)
    for shape in ((1, 3, 64, 97), (1, 3, 0, 10), (1, 4, 10, 10), (1, 1, 10, 10)):
        with pytest.raises(torch.jit.Error, match=f"{shape[1]} channels and {shape[3]} x {shape[2]} pixels"):
            scripted(torch.zeros(shape, dtype=torch.uint8))


def test_scores_descend_and_empty_slots_come_last(checkpoint: Path, tmp_path: Path) -> None:
    export(checkpoint, tmp_path / "out")
    scripted, _ = load_script(tmp_path / "out" / "sparseinst" / "1" / "model.pt")
    scores, classes, *_ = scripted(torch.zeros((2, 3, 40, 50), dtype=torch.uint8))
    assert bool((scores[:, 1:] <= scores[:, :-1]).all())
    assert bool((scores[classes == -1] == 0).all())


def test_a_drifting_export_is_refused_and_nothing_is_left(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = ServedModel.__init__

    def shifted(self: ServedModel, model: SparseInst, metadata: Mapping[str, Any]) -> None:
        honest(self, model, metadata)
        self.pixel_mean = self.pixel_mean + 3

    monkeypatch.setattr(ServedModel, "__init__", shifted)
    with pytest.raises(ExportError, match="does not answer as the checkpoint"):
        export(checkpoint, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_no_folder_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be a model's name"):
        export(checkpoint, tmp_path / "out", name="../evil")


def test_mask_codes_decode_to_the_probabilities_they_came_from() -> None:
    from sparseinst.export.decode import mask_codes_to_probabilities

    served = ServedModel(SparseInst(CONFIG.model, num_classes=2), {"max_pixels": 1})
    probabilities = torch.linspace(0, 1, 100_001)
    decoded = mask_codes_to_probabilities(served.encode(probabilities).numpy(), 0.45)
    assert np.abs(decoded - probabilities.numpy()).max() < 0.005
    edge = (probabilities - 0.45).abs().numpy() < 0.01
    assert np.abs(decoded - probabilities.numpy())[edge].max() < 0.0007
    away = (probabilities - 0.45).abs().numpy() > 1e-5
    np.testing.assert_array_equal((decoded > 0.45)[away], (probabilities > 0.45).numpy()[away])


def test_compare_pairs_equal_scores_by_their_masks_and_counts_what_is_left() -> None:
    masks = np.zeros((2, 4, 4), np.bool_)
    masks[0, :2], masks[1, 2:] = True, True
    scores, classes = np.array([0.5, 0.5], np.float32), np.zeros(2, np.int64)
    same = compare(Instances(scores, classes, masks), Instances(scores, classes, masks[::-1]))
    assert (same.unmatched, same.mask, same.is_within_tolerance) == (0, 0.0, True)
    fewer = compare(Instances(scores, classes, masks), Instances(scores[:1], classes[:1], masks[:1]))
    assert (fewer.unmatched, fewer.is_within_tolerance) == (1, False)
    nothing = Instances(scores[:0], classes[:0], masks[:0])
    assert compare(nothing, nothing).is_within_tolerance

"""An export answers as its checkpoint does, for any size and batch, or it is not written."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sparseinst.errors import ConfigError, ExportError
from sparseinst.evaluation.instances import Instances
from sparseinst.export.comparison import TOLERANCES, Limits, compare
from sparseinst.export.contract import OUTPUTS, fingerprint
from sparseinst.export.export import ExportOptions, describe, export
from sparseinst.export.torchscript import ServedModel, load_script, script
from sparseinst.model.network import SparseInst
from sparseinst.training.checkpoint import load_checkpoint, restore_model, save_checkpoint
from tests.tiny import TINY


def test_an_export_holds_all_that_triton_needs_and_its_proof(exported: Path) -> None:
    folder = exported / "shapes"
    assert (folder / "labels.txt").read_text() == "disc\nring\n"
    assert 'name: "shapes"' in (folder / "config.pbtxt").read_text()
    assert sorted(path.name for path in (folder / "configs").iterdir()) == ["cpu.pbtxt", "gpu.pbtxt"]
    parity = json.loads((exported / "parity.json").read_text())
    assert parity["passed"] and "warning" not in parity
    assert (parity["format"], parity["device"], parity["dtype"]) == ("TorchScript", "cpu", "float32")
    assert parity["instances_compared"] > 100
    assert {case["batch"] for case in parity["cases"]} == {1, 4, 8}
    assert {(1, 1), (33, 47), (64, 64), (85, 64)} <= {(case["height"], case["width"]) for case in parity["cases"]}
    scripted, metadata = load_script(folder / "1" / "model.pt")
    assert scripted(torch.zeros((2, 3, 40, 50), dtype=torch.uint8))[-1].tolist() == [list(fingerprint(metadata))] * 2
    assert [category["name"] for category in metadata["categories"]] == ["disc", "ring"]
    assert metadata["dtype"] == "float32"
    with np.load(exported / "golden.npz") as golden:
        image = torch.from_numpy(golden["image_1"])[None]
        answers = scripted(image)
        for spec, answer in zip(OUTPUTS, answers, strict=True):
            assert str(answer.numpy().dtype) == spec.dtype
            np.testing.assert_array_equal(answer[0].numpy(), golden[f"{spec.name}_1"])


def test_crops_hold_the_codes_of_each_mask_and_its_edge(exported: Path) -> None:
    scripted, _ = load_script(exported / "shapes" / "1" / "model.pt")
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
    whole = scripted(images)  # one image a part
    for index in range(5):
        for output, alone in zip(whole, scripted(images[index : index + 1]), strict=True):
            step = 1 if output.dtype == torch.uint8 else 1e-5  # a code may be rounded to either side
            torch.testing.assert_close(output[index].double(), alone[0].double(), atol=step, rtol=0)
    for shape in ((1, 3, 64, 97), (1, 3, 1, 200), (1, 3, 0, 10), (1, 4, 10, 10), (1, 1, 10, 10)):
        with pytest.raises(torch.jit.Error, match=f"{shape[1]} channels and {shape[3]} x {shape[2]} pixels"):
            scripted(torch.zeros(shape, dtype=torch.uint8))


def test_scores_descend_and_empty_slots_come_last(exported: Path) -> None:
    scripted, _ = load_script(exported / "shapes" / "1" / "model.pt")
    scores, classes, *_ = scripted(torch.zeros((2, 3, 40, 50), dtype=torch.uint8))
    assert bool((scores[:, 1:] <= scores[:, :-1]).all())
    assert bool((scores[classes == -1] == 0).all())


def test_what_drifts_is_refused_with_the_worst_case_and_nothing_is_left(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = ServedModel.__init__

    def shifted(self: ServedModel, *arguments: Any, **options: Any) -> None:
        honest(self, *arguments, **options)
        self.pixel_mean = self.pixel_mean + 3

    monkeypatch.setattr(ServedModel, "__init__", shifted)
    with pytest.raises(ExportError, match=r"does not answer as the checkpoint(.|\n)*tolerated .* batch \d, image \d"):
        export(checkpoint, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_weights_that_are_no_numbers_are_named(checkpoint: Path, tmp_path: Path) -> None:
    saved = load_checkpoint(checkpoint)
    weights = {name: tensor.clone() for name, tensor in saved.weights.items()}
    weights["decoder.inst_branch.fc.bias"][3] = float("nan")
    weights["encoder.fusion.weight"][0, 0] = float("inf")
    save_checkpoint(tmp_path / "bad.pt", dataclasses.replace(saved, weights=weights))
    with pytest.raises(ExportError) as caught:
        export(tmp_path / "bad.pt", tmp_path / "out")
    assert caught.value.details == (
        "encoder.fusion.weight: 1 of 768 values",
        "decoder.inst_branch.fc.bias: 1 of 64 values",
    )
    assert not (tmp_path / "out").exists()


def test_lower_precision_is_proven_by_its_own_tolerances_and_outputs_keep_their_types(
    checkpoint: Path, tmp_path: Path
) -> None:
    saved = load_checkpoint(checkpoint)
    weights = dict(saved.weights)
    weights["decoder.inst_branch.mask_kernel.weight"] = weights["decoder.inst_branch.mask_kernel.weight"] / 4
    save_checkpoint(tmp_path / "calm.pt", dataclasses.replace(saved, weights=weights))
    parity = export(tmp_path / "calm.pt", tmp_path / "out", ExportOptions(dtype="float16")).parity
    assert parity["tolerances"]["score"] == TOLERANCES["float16"].score > TOLERANCES["float32"].score
    assert parity["worst"]["probability"] > 0 and parity["instances_compared"] > 50
    scripted, metadata = load_script(tmp_path / "out" / "sparseinst" / "1" / "model.pt")
    assert metadata["dtype"] == "float16"
    outputs = scripted(torch.zeros((1, 3, 40, 50), dtype=torch.uint8))
    assert [str(output.numpy().dtype) for output in outputs] == [spec.dtype for spec in OUTPUTS]
    kinds = {constant.dtype for constant in _constants(scripted) if constant.dim() == 4 and constant.shape[2] == 3}
    assert kinds == {torch.float16}  # every 3 x 3 convolution


def test_lower_precision_that_changes_too_much_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportError) as caught:
        export(checkpoint, tmp_path / "out", ExportOptions(dtype="bfloat16"))
    assert caught.value.fix.startswith("Export in float32")
    assert not (tmp_path / "out").exists()


def _constants(scripted: torch.jit.ScriptModule) -> list[torch.Tensor]:
    """The tensors that freezing put into the graph."""
    graph = scripted.inlined_graph
    nodes = [node for node in graph.findAllNodes("prim::Constant") if node.hasAttribute("value")]
    return [node.t("value") for node in nodes if node.kindOf("value") == "t"]


def test_an_export_that_found_nothing_says_so(
    checkpoint: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    saved = load_checkpoint(checkpoint)
    config = dataclasses.replace(saved.config, model=dataclasses.replace(saved.config.model, score_threshold=1.0))
    save_checkpoint(tmp_path / "blind.pt", dataclasses.replace(saved, config=config))
    with caplog.at_level("WARNING", "sparseinst.export"):
        result = export(tmp_path / "blind.pt", tmp_path / "out")
    assert result.parity["passed"] and result.parity["instances_compared"] == 0
    assert result.parity["warning"].startswith("no instance was found")
    assert "no instance was found" in caplog.text


def test_the_largest_image_can_be_chosen_but_not_below_the_models_own_size(checkpoint: Path, tmp_path: Path) -> None:
    export(checkpoint, tmp_path / "out", ExportOptions(max_pixels=7000))
    _, metadata = load_script(tmp_path / "out" / "sparseinst" / "1" / "model.pt")
    assert metadata["max_pixels"] == 7000
    with pytest.raises(ConfigError, match="64 x 96 pixels has more than 6000"):
        export(checkpoint, tmp_path / "small", ExportOptions(max_pixels=6000))


def test_a_name_that_is_no_folder_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be a model's name"):
        export(checkpoint, tmp_path / "out", ExportOptions(name="../evil"))


def test_mask_codes_decode_to_the_probabilities_they_came_from() -> None:
    from sparseinst.export.decode import mask_codes_to_probabilities

    served = ServedModel(SparseInst(TINY, num_classes=2), {"max_pixels": 1})
    probabilities = torch.linspace(0, 1, 100_001)
    decoded = mask_codes_to_probabilities(served.encode(probabilities).numpy(), 0.45)
    assert np.abs(decoded - probabilities.numpy()).max() < 0.005
    edge = (probabilities - 0.45).abs().numpy() < 0.01
    assert np.abs(decoded - probabilities.numpy())[edge].max() < 0.0007
    away = (probabilities - 0.45).abs().numpy() > 1e-5
    np.testing.assert_array_equal((decoded > 0.45)[away], (probabilities > 0.45).numpy()[away])


def test_on_a_gpu_convolutions_may_be_rounded_otherwise_but_what_is_clearly_seen_must_be_there() -> None:
    masks = np.zeros((3, 20, 20), np.bool_)
    masks[0, :10], masks[1, 10:], masks[2, :4] = True, True, True
    classes = np.zeros(3, np.int64)
    here = Instances(np.array([0.9, 0.5, 0.04], np.float32), classes, masks)
    moved = masks.copy()
    moved[0, 10, :2] = True  # half a percent of the pixels
    there = Instances(np.array([0.899, 0.501], np.float32), classes[:2], moved[:2])
    limits = Limits.on_gpu({"dtype": "float32"})
    assert compare(here, there, limits).is_within_tolerance
    assert not compare(here, there).is_within_tolerance
    assert compare(here, there.take(slice(1)), limits).unmatched == 1
    assert not compare(here.take(slice(1)), there, limits).is_within_tolerance


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

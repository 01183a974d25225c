"""Raw outputs become instances in every form, within bounded memory."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from pycocotools import mask as coco_mask
from torch.nn import functional as F

from sparseinst.errors import ConfigError
from sparseinst.masks.resample import Frame, resample
from sparseinst.model.config import ModelConfig
from sparseinst.model.postprocessing import DetectionOptions, Detections, detect, enlarge
from sparseinst.model.postprocessing.enlarge import enlarge_masks

HIGH, LOW = 6.0, -6.0


def detections_of(
    *squares: tuple[int, int, int, int], classes: list[int], logits: list[float], **options: object
) -> Detections:
    """One query a square (top, left, bottom, right on a 16 x 20 grid), its class, and its class logit."""
    masks = torch.full((len(squares), 16, 20), LOW)
    for mask, (top, left, bottom, right) in zip(masks, squares, strict=True):
        mask[top:bottom, left:right] = HIGH
    class_logits = torch.full((len(squares), 3), -20.0)
    class_logits[torch.arange(len(squares)), torch.tensor(classes)] = torch.tensor(logits)
    return detect(
        class_logits,
        torch.full((len(squares), 1), HIGH),
        masks,
        frame=Frame(padded=(64, 80), image=(60, 77), original=(120, 154)),
        options=DetectionOptions(**options),  # type: ignore[arg-type]
    )


SQUARE, SHIFTED, FAR = (2, 2, 8, 8), (2, 3, 8, 9), (10, 12, 14, 18)


def test_without_options_everything_stays_in_the_order_of_the_queries() -> None:
    found = detections_of(SQUARE, SHIFTED, FAR, classes=[0, 0, 1], logits=[1.0, 2.0, 3.0])
    assert found.queries.tolist() == [0, 1, 2]
    assert found.classes.tolist() == [0, 0, 1]
    assert found.masks.shape == (3, 120, 154)
    assert found.best_first().queries.tolist() == [2, 1, 0]


def test_duplicates_of_one_class_go_when_mask_nms_is_on() -> None:
    same = detections_of(SQUARE, SHIFTED, FAR, classes=[0, 0, 0], logits=[1.0, 2.0, 3.0], mask_nms=0.5)
    assert same.queries.tolist() == [1, 2]
    other = detections_of(SQUARE, SHIFTED, FAR, classes=[0, 1, 0], logits=[1.0, 2.0, 3.0], mask_nms=0.5)
    assert other.queries.tolist() == [0, 1, 2]


def test_each_class_can_have_a_threshold_of_its_own() -> None:
    everything = detections_of(SQUARE, SHIFTED, FAR, classes=[0, 1, 2], logits=[0.0, 0.0, 0.0])
    score = float(everything.scores[0])
    found = detections_of(
        SQUARE, SHIFTED, FAR, classes=[0, 1, 2], logits=[0.0, 0.0, 0.0], class_thresholds={0: score - 0.01, 2: 0.99}
    )
    assert found.queries.tolist() == [0, 1]


def test_the_best_are_kept_when_there_are_more_than_allowed() -> None:
    found = detections_of(SQUARE, SHIFTED, FAR, classes=[0, 1, 2], logits=[0.0, 3.0, 1.0], max_detections=2)
    assert found.queries.tolist() == [1, 2]


def test_boxes_rles_and_polygons_say_what_the_masks_say() -> None:
    found = detections_of(SQUARE, FAR, classes=[0, 1], logits=[1.0, 1.0])
    masks = found.masks.numpy()
    np.testing.assert_array_equal(np.stack([coco_mask.decode(rle) for rle in found.rles]), masks)
    np.testing.assert_array_equal(found.masks_in_columns(), masks)
    for mask, (x, y, width, height), polygons in zip(masks, found.boxes().tolist(), found.polygons(), strict=True):
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        assert (x, y, x + width - 1, y + height - 1) == (columns[0], rows[0], columns[-1], rows[-1])
        drawn = coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects(polygons, 120, 154)))
        np.testing.assert_array_equal(drawn, mask)


def test_nothing_found_gives_every_form_of_nothing() -> None:
    found = detections_of(SQUARE, classes=[0], logits=[-30.0])
    assert len(found) == 0
    assert found.masks.shape == found.masks_in_columns().shape == (0, 120, 154)
    assert found.boxes().shape == (0, 4)
    assert found.rles == found.polygons() == []


def test_an_empty_mask_has_no_score_no_box_and_no_outline() -> None:
    found = detections_of((0, 0, 0, 0), classes=[0], logits=[3.0], mask_nms=0.5)
    assert found.scores.tolist() == [0.0]
    assert found.boxes().tolist() == [[0, 0, 0, 0]]
    assert found.polygons() == [[]]
    assert not found.masks.any()


@pytest.mark.parametrize("original", [(120, 154), (60, 77), (33, 47)])
def test_the_masks_are_those_of_torch_on_any_device(original: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    grids = torch.rand((5, 16, 20), generator=torch.Generator().manual_seed(0))
    enlarged = F.interpolate(grids[None], size=(64, 80), mode="bilinear", align_corners=False)[:, :, :60, :77]
    expected = F.interpolate(enlarged, size=original, mode="bilinear", align_corners=False)[0] > 0.45
    found = enlarge_masks(grids, Frame((64, 80), (60, 77), original), 0.45)
    assert float((found != expected).float().mean()) < 1e-4
    monkeypatch.setattr(enlarge, "_CHUNK_BYTES", 100_000)  # a step holds fewer than all of them
    rles = enlarge.encode_enlarged(grids, Frame((64, 80), (60, 77), original), 0.45)
    np.testing.assert_array_equal(np.stack([coco_mask.decode(rle) for rle in rles]), found.numpy())


@pytest.mark.parametrize("image", [(64, 96), (41, 70), (1, 96)])
@pytest.mark.parametrize("original", [(64, 96), (1, 1000), (427, 640), (20, 13)])
def test_no_pixel_of_a_small_object_is_lost_wherever_it_lies(image: tuple[int, int], original: tuple[int, int]) -> None:
    frame = Frame((64, 96), image, original)
    generator = torch.Generator().manual_seed(0)
    grids = torch.zeros(60, 16, 24)
    for grid in grids:
        row, column = int(torch.randint(16, (), generator=generator)), int(torch.randint(24, (), generator=generator))
        grid[row : row + 2, column : column + 3] = float(torch.rand((), generator=generator)) * 0.5 + 0.5
    whole = np.stack([resample(grid.numpy(), frame) > np.float32(0.45) for grid in grids])
    np.testing.assert_array_equal(enlarge_masks(grids, frame, 0.45).numpy(), whole)


def test_options_out_of_range_are_refused() -> None:
    for wrong in ({"mask_nms": 1.5}, {"score_threshold": -0.1}, {"max_detections": 0}):
        with pytest.raises(ConfigError):
            DetectionOptions(**wrong)  # type: ignore[arg-type]
    assert DetectionOptions.of(ModelConfig(max_detections=7)).max_detections == 7


_HUNDRED_OBJECTS = """
import resource, torch
from sparseinst.masks.resample import Frame
from sparseinst.model.postprocessing import DetectionOptions, detect

torch.manual_seed(0)
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
logits, objectness = torch.full((100, 80), 3.0), torch.full((100, 1), 3.0)
coarse = torch.randn(1, 100, 10, 14)
masks = torch.nn.functional.interpolate(coarse, size=(160, 216), mode="bicubic")[0] * 4
before = peak()
found = detect(logits, objectness, masks, frame=Frame((640, 864), (640, 853), (3000, 4000)), options=DetectionOptions())
assert len(found.rles) == len(found.boxes()) == 100
print(peak() - before)
"""


def test_a_hundred_objects_in_twelve_megapixels_take_less_than_a_gigabyte() -> None:
    done = subprocess.run([sys.executable, "-c", _HUNDRED_OBJECTS], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 1_000_000_000

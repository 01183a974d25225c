import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from sparseinst.evaluation.instances import Instances
from sparseinst.export import contract
from sparseinst.export.crops import Crops
from sparseinst.export.decode import decode_reply, mask_codes_to_probabilities
from sparseinst.masks.coco import encode_masks

torch = pytest.importorskip("torch")

THRESHOLD = 0.45


def grid_of(sent: tuple[int, int]) -> tuple[int, int]:
    """The sides of the mask grid for an image of this size."""
    height, width = map(contract.round_up, sent)
    return height // 4, width // 4


def smooth_codes(count: int, grid: tuple[int, int], seed: int) -> np.ndarray:
    """Blobs like those a network makes: low-frequency noise, as codes."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn(count, 1, max(2, grid[0] // 8), max(2, grid[1] // 8), generator=generator)
    fine = torch.nn.functional.interpolate(coarse, grid, mode="bicubic", align_corners=False)[:, 0]
    return (128 + 90 * fine).clamp(0, 255).round().to(torch.uint8).numpy()


def torch_masks(codes: np.ndarray, sent: tuple[int, int], original: tuple[int, int]) -> torch.Tensor:
    """Step 5 of the model's inference in float64: the probabilities before they are compared with the threshold."""
    code = torch.from_numpy(codes).double()
    d = ((code - 128) / 127).clamp(-1, 1)
    return enlarged(THRESHOLD + d.sign() * d.square() * torch.where(d > 0, 1 - THRESHOLD, THRESHOLD), sent, original)


def enlarged(grid: torch.Tensor, sent: tuple[int, int], original: tuple[int, int]) -> torch.Tensor:
    padded = tuple(map(contract.round_up, sent))
    padded = torch.nn.functional.interpolate(grid[None], padded, mode="bilinear", align_corners=False)
    cropped = padded[:, :, : sent[0], : sent[1]]
    return torch.nn.functional.interpolate(cropped, original, mode="bilinear", align_corners=False)[0]


def test_probability_rises_with_every_code_from_0_to_1():
    for threshold in (0.3, 0.45, 0.5, 0.7):
        probability = mask_codes_to_probabilities(np.arange(256, dtype=np.uint8), threshold)
        assert probability.dtype == np.float32
        assert (np.diff(probability[1:]) > 0).all()
        assert probability[0] == probability[1] == 0  # 0 is clamped to the code 1
        assert probability[255] == 1


def test_exactly_the_codes_above_128_are_inside_the_object():
    for threshold in (0.3, 0.45, 0.5, 0.7):
        probability = mask_codes_to_probabilities(np.arange(256, dtype=np.uint8), threshold)
        np.testing.assert_array_equal(probability > np.float32(threshold), np.arange(256) > 128)
        assert probability[128] == np.float32(threshold)


def decode(
    scores: NDArray[np.float32], classes: NDArray[np.int64], codes: NDArray[np.uint8], *, sent, original, mask_threshold
) -> Instances:
    reply = {"scores": scores[None], "classes": classes[None], "masks": codes[None]}
    return decode_reply(reply, sent=sent, originals=[original], mask_threshold=mask_threshold)[0]


@pytest.mark.parametrize(
    ("sent", "original"),
    [
        ((33, 47), (33, 47)),
        ((85, 853), (1, 1000)),
        ((569, 853), (427, 640)),
        ((64, 96), (64, 96)),  # no padding, no second resampling
        ((128, 96), (256, 192)),
        ((640, 480), (320, 240)),  # shrinks
        ((1, 1), (3, 2)),
    ],
)
def test_masks_equal_torch_interpolation_but_for_ties(sent, original):
    codes = smooth_codes(3, grid_of(sent), seed=sum(sent))
    scores = np.array([0.9, 0.8, 0.7], np.float32)
    found = decode(scores, np.zeros(3, np.int64), codes, sent=sent, original=original, mask_threshold=THRESHOLD)
    expected = torch_masks(codes, sent, original).numpy()
    assert found.masks.shape == (3, *original)
    assert found.masks.dtype == np.bool_
    wrong = found.masks != (expected > THRESHOLD)
    assert (abs(expected[wrong] - THRESHOLD) < 1e-6).all()
    assert wrong.mean() < 1e-3


def test_a_mask_flat_at_the_threshold_is_empty():
    codes = np.full((1, 16, 16), 128, np.uint8)
    codes[0, 3, 3] = 129
    found = decode(
        np.ones(1, np.float32), np.zeros(1, np.int64), codes, sent=(64, 64), original=(41, 53), mask_threshold=0.45
    )
    inside = np.argwhere(found.masks[0])
    assert 0 < len(inside) < 60
    assert abs(inside - [41 * 3.5 / 16, 53 * 3.5 / 16]).max() < 6


def test_empty_slots_are_left_out_and_the_rest_comes_best_first():
    codes = np.zeros((4, 8, 8), np.uint8)
    codes[2] = 255
    scores = np.array([0.2, 0.0, 0.9, 0.0], np.float32)
    classes = np.array([3, contract.NO_INSTANCE, 1, contract.NO_INSTANCE])
    found = decode(scores, classes, codes, sent=(32, 32), original=(10, 20), mask_threshold=0.45)
    assert found.scores.tolist() == pytest.approx([0.9, 0.2])
    assert found.classes.tolist() == [1, 3]
    assert found.masks[0].all() and not found.masks[1].any()


def test_an_image_without_objects_has_masks_of_the_right_size():
    found = decode(
        np.zeros(5, np.float32),
        np.full(5, contract.NO_INSTANCE),
        np.zeros((5, 8, 8), np.uint8),
        sent=(32, 32),
        original=(10, 20),
        mask_threshold=0.45,
    )
    assert len(found) == 0
    assert found.masks.shape == (0, 10, 20)
    assert found.to_coco(1, []) == []


def test_decoded_masks_reach_the_rle_encoder_without_a_copy():
    found = decode(
        np.ones(2, np.float32),
        np.zeros(2, np.int64),
        smooth_codes(2, (16, 24), 0),
        sent=(50, 90),
        original=(33, 47),
        mask_threshold=0.45,
    )
    assert found.masks.transpose(1, 2, 0).flags.f_contiguous
    assert encode_masks(found.masks) == encode_masks(np.ascontiguousarray(found.masks))


def crops_of(codes: NDArray[np.uint8]) -> dict[str, NDArray]:
    values = torch.from_numpy(codes)[None]
    crops, boxes = Crops()(values, values.float())
    return {"mask_crops": crops.round().to(torch.uint8).numpy(), "mask_boxes": boxes.numpy()}


def decode_crops(codes: NDArray[np.uint8], *, sent, original) -> Instances:
    count = len(codes)
    scores, classes = np.linspace(0.9, 0.6, count, dtype=np.float32), np.zeros(count, np.int64)
    reply = {"scores": scores[None], "classes": classes[None], **crops_of(codes)}
    return decode_reply(reply, sent=sent, originals=[original], mask_threshold=THRESHOLD)[0]


@pytest.mark.parametrize("original", [(131, 200), (400, 610), (65, 100)])
def test_crops_of_small_masks_lose_nothing(original: tuple[int, int]):
    sent = (131, 200)
    codes = smooth_codes(6, grid_of(sent), seed=3)
    codes[5] = 40  # nowhere inside
    scores, classes = np.linspace(0.9, 0.6, 6, dtype=np.float32), np.zeros(6, np.int64)
    whole = decode(scores, classes, codes, sent=sent, original=original, mask_threshold=THRESHOLD)
    found = decode_crops(codes, sent=sent, original=original)
    np.testing.assert_array_equal(found.masks, whole.masks)
    assert whole.masks[:5].any(axis=(1, 2)).all() and not whole.masks[5].any()


def test_crops_of_large_masks_move_their_edges_by_less_than_a_cell():
    sent = (640, 960)
    height, width = grid_of(sent)
    y, x = np.mgrid[:height, :width]
    distance = 1 - np.hypot((y - 80) / 70, (x - 120) / 110)  # a disc of 140 x 220 cells
    codes = np.clip(128 + 127 * np.sign(distance) * np.sqrt(abs(distance)), 1, 255).round().astype(np.uint8)[None]
    one = np.ones(1, np.float32), np.zeros(1, np.int64)
    whole = decode(*one, codes, sent=sent, original=sent, mask_threshold=THRESHOLD).masks[0]
    cropped = decode_crops(codes, sent=sent, original=sent).masks[0]
    union, wrong = (whole | cropped).sum(), (whole != cropped)
    assert wrong.sum() / union < 0.01
    kernel = np.ones((9, 9), np.uint8)
    edge = cv2.dilate(whole.astype(np.uint8), kernel) - cv2.erode(whole.astype(np.uint8), kernel)
    assert not (wrong & (edge == 0)).any()

"""The tensor contract between the exported model, Triton, and every client. It is said here and nowhere else.

`config.pbtxt`, the export wrapper, the warm-up requests, the client and the table in docs/contract.md are derived
from this module. It imports neither torch nor tritonclient.

Legend of shapes: N instances per image (fixed per model), H and W the sides of the image sent in pixels,
h and w the sides of the mask grid, which lies over the image padded to multiples of 32 (a quarter of its sides).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MODEL_FILE = "model.pt"
LABELS_FILE = "labels.txt"
CONFIG_FILE = "config.pbtxt"
METADATA_KEY = "sparseinst"  # the extra file inside model.pt and the parameter in config.pbtxt; both hold the same JSON

FRONT = "_front"  # appended to the model's name: the Triton model that takes picture files and answers with JSON

PIXEL_MULTIPLE = 32  # the network's coarsest stride: images are padded to multiples of it
NO_INSTANCE = -1  # the class of an empty slot

MASK_CODE_THRESHOLD = 128  # codes above it are inside the object


# An image of more pixels is refused, and a batch of more is computed in parts: no request may take all memory.
LEAST_MAX_PIXELS = 2048 * 2048

FINGERPRINT_BYTES = 8


def max_pixels(short_side: int, longest_side: int, full_batch: int) -> int:
    """The default limit: a full batch of images of the model's own size is always computed at once."""
    return max(LEAST_MAX_PIXELS, full_batch * short_side * longest_side)


def fingerprint(metadata: Mapping[str, Any]) -> bytes:
    """What the output "fingerprint" holds: the first bytes of the SHA-256 of the metadata's JSON text.

    With it a client knows that an answer came from the model whose categories and thresholds it has.
    """
    return hashlib.sha256(metadata_text(metadata).encode()).digest()[:FINGERPRINT_BYTES]


def metadata_text(metadata: Mapping[str, Any]) -> str:
    """The JSON text inside model.pt and config.pbtxt; equal metadata give equal texts."""
    return json.dumps(metadata, sort_keys=True)


def round_up(pixels: int) -> int:
    """The side of an image with its padding."""
    return (pixels + PIXEL_MULTIPLE - 1) // PIXEL_MULTIPLE * PIXEL_MULTIPLE


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One tensor of the contract. Dimensions exclude the batch; -1 is any size; "N" is the number of instances."""

    name: str
    dtype: str
    dims: tuple[int | str, ...]
    meaning: str

    @property
    def triton_dtype(self) -> str:
        """The name in config.pbtxt, e.g. TYPE_UINT8."""
        return _TRITON_DTYPES[self.dtype]

    def shape(self, instances: int) -> tuple[int, ...]:
        """The dimensions with the number of instances filled in."""
        return tuple(instances if dim == "N" else int(dim) for dim in self.dims)


_TRITON_DTYPES = {"uint8": "TYPE_UINT8", "int32": "TYPE_INT32", "int64": "TYPE_INT64", "float32": "TYPE_FP32"}

CROP_CELLS = 60  # the largest with which 100 masks and their boxes are less than 0.4 MB

INPUT = TensorSpec("image", "uint8", (3, -1, -1), "RGB, 0..255, any size; the model normalises and pads")

OUTPUTS = (
    TensorSpec(
        "scores", "float32", ("N",), "sqrt(class probability x objectness) x maskness, descending; 0 in empty slots"
    ),
    TensorSpec("classes", "int64", ("N",), f"index into the model's categories; {NO_INSTANCE} in empty slots"),
    TensorSpec(
        "masks", "uint8", ("N", -1, -1), "mask codes on a grid over the padded image; above 128 is inside the object"
    ),
    TensorSpec(
        "mask_crops",
        "uint8",
        ("N", CROP_CELLS, CROP_CELLS),
        f"the codes in each mask's box, from its first cell on; a longer side is shrunk to {CROP_CELLS} cells",
    ),
    TensorSpec(
        "mask_boxes",
        "int32",
        ("N", 6),
        "top, left, bottom, right of the box in cells, the last two excluded (all 0: no mask); the grid's h and w",
    ),
    TensorSpec(
        "fingerprint", "uint8", (FINGERPRINT_BYTES,), "the first bytes of the SHA-256 of the answering model's metadata"
    ),
)

# What a client asks for. Masks are nearly all of the traffic, and it needs one form of them.
FULL_REPLY = ("scores", "classes", "masks", "fingerprint")
COMPACT_REPLY = ("scores", "classes", "mask_crops", "mask_boxes", "fingerprint")

# The mask code. A byte holds a signed distance from the mask threshold t, square-root companded so that its steps are
# finest where a mask's edge is decided:
#     d = (code - 128) / 127  clamped to [-1, 1];   probability = t + sign(d) * d^2 * (1 - t if d > 0 else t)
# At the edge a step is 0.00003 wide; at probability 0 or 1 it is 0.009.
MASK_CODE_ZERO = 128
MASK_CODE_SCALE = 127

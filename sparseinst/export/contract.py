"""The tensor contract between the exported model, Triton, and every client. It is said here and nowhere else.

`config.pbtxt`, the export wrapper, the warm-up requests, the client and the table in docs/contract.md are derived
from this module. It imports neither torch nor tritonclient.

Legend of shapes: N instances per image (fixed per model), H and W the sides of the image sent in pixels,
h and w the sides of the mask grid, which lies over the image padded to multiples of 32 (a quarter of its sides).
"""

from __future__ import annotations

from dataclasses import dataclass

MODEL_FILE = "model.pt"
LABELS_FILE = "labels.txt"
CONFIG_FILE = "config.pbtxt"
METADATA_KEY = "sparseinst"  # the extra file inside model.pt and the parameter in config.pbtxt; both hold the same JSON

PIXEL_MULTIPLE = 32  # the network's coarsest stride: images are padded to multiples of it
NO_INSTANCE = -1  # the class of an empty slot

MASK_CODE_THRESHOLD = 128  # codes above it are inside the object


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


_TRITON_DTYPES = {"uint8": "TYPE_UINT8", "int64": "TYPE_INT64", "float32": "TYPE_FP32"}

INPUT = TensorSpec("image", "uint8", (3, -1, -1), "RGB, 0..255, any size; the model normalises and pads")

OUTPUTS = (
    TensorSpec(
        "scores", "float32", ("N",), "sqrt(class probability x objectness) x maskness, descending; 0 in empty slots"
    ),
    TensorSpec("classes", "int64", ("N",), f"index into the model's categories; {NO_INSTANCE} in empty slots"),
    TensorSpec(
        "masks", "uint8", ("N", -1, -1), "mask codes on a grid over the padded image; above 128 is inside the object"
    ),
)

# The mask code. A byte holds a signed distance from the mask threshold t, square-root companded so that its steps are
# finest where a mask's edge is decided:
#     d = (code - 128) / 127  clamped to [-1, 1];   probability = t + sign(d) * d^2 * (1 - t if d > 0 else t)
# At the edge a step is 0.00003 wide; at probability 0 or 1 it is 0.009.
MASK_CODE_ZERO = 128
MASK_CODE_SCALE = 127

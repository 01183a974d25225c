"""What an image's header tells that is worth knowing: the form of its pixels, its format, its rotation and size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from PIL import Image

from sparseinst.data.checks.image_formats import promised_format

_NOTHING = "Nothing"


class Remark(NamedTuple):
    """A finding about a file that does not know yet where an annotation file names it."""

    code: str
    problem: str
    fix: str


def remarks_on_pixels(image: Image.Image) -> Iterator[Remark]:
    """About the form of the pixels of an image that is open and need not be decoded yet."""
    mode = image.mode
    if mode == "F":
        problem = "the pixels are floating-point numbers, whose range is not known"
        yield Remark("IMG-FLOAT", problem, "Save it with 8 or 16 bits a channel")
    if mode in ("1", "L", "LA", "La") or mode.startswith("I"):
        yield Remark("IMG-GREY", "the image is grey; it becomes RGB with three equal channels", _NOTHING)
    if mode == "CMYK":
        problem = "the colours are CMYK; they become RGB without a colour profile, and may shift"
        yield Remark("IMG-CMYK", problem, "Nothing, or save it as RGB with the profile that belongs to it")
    if _is_deep(image):
        clipped = "; what is above 65535 becomes white" if mode == "I" else ""
        problem = f"more than 8 bits a channel: of 16 the upper 8 are used{clipped}"
        yield Remark("IMG-16BIT", problem, "Nothing if its values fill 16 bits; otherwise stretch them, or it is dark")
    if mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        problem = "the image has transparency, which is dropped: what was hidden behind it is seen"
        yield Remark("IMG-ALPHA", problem, "Nothing, or save it on the background that it is meant for")


def _is_deep(image: Image.Image) -> bool:
    """Whether a channel has more than 8 bits. Where Pillow has no such mode, its decoder's arguments tell."""
    return image.mode.startswith("I") or any(";16" in str(tile.args) for tile in getattr(image, "tile", ()))


def remarks_on_format(form: str, frames: int, name: str) -> Iterator[Remark]:
    """About a format that the name does not say, and about frames that are not used."""
    promised = promised_format(name)
    if promised and promised != form:
        problem = f"the name says {promised}, the content is {form}; it is read all the same"
        yield Remark("IMG-FORMAT", problem, "Nothing, or rename it: other programs may go by the name")
    if frames > 1:
        problem = f"the file has {frames} frames; only the first is used"
        yield Remark("IMG-ANIMATED", problem, "Save each frame that is annotated as a file of its own")


def remarks_on_size(
    raw: tuple[int, int], size: tuple[int, int], orientation: int, declared: tuple[int, int] | None
) -> Iterator[Remark]:
    """About rotation and size. One mistake gives one finding: the gravest that explains it."""
    turned = raw != size
    if declared is None or declared == size:
        if orientation != 1 or turned:
            which = f" (orientation {orientation})" if orientation != 1 else ""
            problem = f"its EXIF data asks to turn or mirror it{which}; upright it is {_written(size)}"
            yield Remark("IMG-EXIF", problem, "Nothing, if it was annotated upright")
    elif turned and declared == raw:
        problem = f"the annotations say {_written(raw)}, but turned as its EXIF data asks, it is {_written(size)}"
        fix = "Annotate it upright; or remove the EXIF orientation, if the masks lie right on the picture without it"
        yield Remark("IMG-EXIF-SIZE", problem, fix)
    else:
        problem = f"the annotations say {_written(declared)}, the file is {_written(size)}{_relation(declared, size)}"
        yield Remark("IMG-SIZE", problem, "Write the file's size if the masks fit it; otherwise find the right image")


def _relation(declared: tuple[int, int], size: tuple[int, int]) -> str:
    if declared == size[::-1]:
        return " (width and height are swapped)"
    scale = size[0] / declared[0]
    if abs(declared[1] * scale - size[1]) <= 1:
        return f" (the same shape, {scale:.3g} times as large)"
    return ""


def _written(size: tuple[int, int]) -> str:
    return f"{size[1]} x {size[0]} (width x height)"

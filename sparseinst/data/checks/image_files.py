"""What one image file is, and what is wrong with it or worth knowing: everything that its code begins with IMG- for.

The picture is decoded by the same functions as in training: what is sound here is sound there.
"""

from __future__ import annotations

import stat
import warnings
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from sparseinst.data.checks.image_ends import shortfall
from sparseinst.data.checks.image_fingerprint import Fingerprint, fingerprint
from sparseinst.data.checks.image_formats import begun_format, format_of, impostor
from sparseinst.data.checks.image_remarks import Remark, remarks_on_format, remarks_on_pixels, remarks_on_size
from sparseinst.errors import DatasetError
from sparseinst.imaging.decode import decode_image
from sparseinst.imaging.read import read_image

_ORIENTATION = 0x0112  # the EXIF tag
_REPLACE = "Replace the file, or delete the image and its annotations"


@dataclass(slots=True)
class ImageFacts:
    """What is known of an image file; a size is (height, width) in pixels, None where the header cannot be read.

    Attributes:
        format: Pillow's name of the format, e.g. "JPEG".
        mode: Pillow's name of the pixels' form, e.g. "RGB", "I;16".
        raw_size: Of the pixels as they are stored.
        size: As the picture is seen, after its EXIF orientation.
        orientation: EXIF's number, 1 to 8. 1 is upright, 5 to 8 swap height and width.
        frames: How many pictures the file holds.
        remarks: The findings.
        fingerprint: None where the picture cannot be decoded.
    """

    format: str = ""
    mode: str = ""
    raw_size: tuple[int, int] | None = None
    size: tuple[int, int] | None = None
    orientation: int = 1
    frames: int = 1
    remarks: list[Remark] = field(default_factory=list)
    fingerprint: Fingerprint | None = None


def check_image_file(
    source: Path | bytes, declared: tuple[int, int] | None = None, *, name: str | None = None
) -> ImageFacts:
    """Opens and decodes an image file, and tells all that is to be said about it. It never raises.

    Args:
        source: The file, or its content.
        declared: The (height, width) that the annotations say. None: the size is not compared.
        name: What the annotations call the file, for its ending; the path's own name where it is not given.
    """
    name = name if name is not None else source.name if isinstance(source, Path) else ""
    if isinstance(source, Path) and (reason := _no_file(source)):
        return ImageFacts(remarks=[Remark("IMG-FILE", reason, "Put the image there, or delete its entry")])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, about what is a finding here or does no harm
        try:
            with BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
                return _check(source, file, declared, name)
        except OSError as error:
            problem = f"the file cannot be read: {error.strerror or error}"
            return ImageFacts(remarks=[Remark("IMG-FILE", problem, "Check the file's permissions and the disk")])


def _no_file(path: Path) -> str | None:
    """Why there is no file to open: one must not wait at a pipe, nor read from a device."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return f"there is no file {path}"
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        return f"the file {str(path)!r:.200} cannot be opened: {getattr(error, 'strerror', None) or error}"
    if stat.S_ISREG(mode):
        return None
    return f"{path} is {'a folder' if stat.S_ISDIR(mode) else 'a pipe, socket or device'}, not a file"


def _check(source: Path | bytes, file: BinaryIO, declared: tuple[int, int] | None, name: str) -> ImageFacts:
    facts = ImageFacts()
    try:
        pixels = _decode(source, file, facts)
    except Exception as error:  # noqa: BLE001 -- a decoder that is fed damaged bytes raises whatever it likes
        facts.remarks = [_damage(file, error)]
        return facts
    facts.remarks += remarks_on_format(facts.format, facts.frames, name)
    if pixels is not None:
        facts.size = pixels.shape[:2]
        facts.fingerprint = fingerprint(pixels)
    if facts.raw_size and facts.size:
        facts.remarks += remarks_on_size(facts.raw_size, facts.size, facts.orientation, declared)
    return facts


def _decode(source: Path | bytes, file: BinaryIO, facts: ImageFacts) -> NDArray[np.uint8] | None:
    """Fills in what the header says; gives the picture as training gets it, None where that has no 8-bit form."""
    with Image.open(file) as image:  # refuses what says that it is larger than twice Image.MAX_IMAGE_PIXELS
        facts.format, facts.mode = format_of(image.format or ""), image.mode
        facts.raw_size = facts.size = (image.height, image.width)
        if image.format == "EPS":
            raise UnidentifiedImageError  # Pillow would hand the drawing to another program
        facts.remarks += remarks_on_pixels(image)
        # The method of the base class: PNG's own would decode the picture, only to look for data behind it.
        orientation = Image.Image.getexif(image).get(_ORIENTATION)
        facts.orientation = orientation if isinstance(orientation, int) and 2 <= orientation <= 8 else 1
        if image.format == "TIFF" and facts.orientation >= 5:  # Pillow has swapped the sides already
            facts.raw_size = (image.width, image.height)
        if image.mode == "F":
            return None
        if image.format not in ("MPO", "PSD"):  # the others are no frames there: previews, depth maps, layers
            facts.frames = _frames(image)
    if facts.format != "JPEG":
        return read_image(source)
    file.seek(0)
    return decode_image(file.read())


def _frames(image: Image.Image) -> int:
    try:
        return getattr(image, "n_frames", 1)
    except (OSError, ValueError, SyntaxError, EOFError):  # damage behind the first frame, the only one that counts
        return 1


def _damage(file: BinaryIO, error: Exception) -> Remark:
    """The finding about a file that cannot be decoded."""
    cause = error.__cause__ if isinstance(error, DatasetError) and error.__cause__ else error
    if isinstance(cause, OSError) and cause.errno:
        raise cause  # of the disk, not of what is on it
    file.seek(0)
    head = file.read(64)
    message = str(cause).strip().rstrip(".") or type(cause).__name__
    if isinstance(cause, Image.DecompressionBombError):
        return Remark("IMG-UNDECODABLE", f"it is too large to be decoded: {message}", "Cut the picture into tiles")
    if isinstance(cause, MemoryError):
        return Remark("IMG-UNDECODABLE", "the memory does not suffice to decode it", "Cut the picture into tiles")
    if isinstance(cause, UnidentifiedImageError) and (known := impostor(head)):
        return Remark("IMG-UNDECODABLE", f"the file is {known[0]}", known[1])
    too_short = shortfall(file)
    if too_short is None and "truncated" in message.lower():
        too_short = f"it ends at byte {file.seek(0, 2)}, before the picture does"
    if too_short is not None:
        return Remark("IMG-TRUNCATED", f"the file is cut off: {too_short}", "Copy or download the file again")
    if isinstance(cause, UnidentifiedImageError):
        kind = begun_format(head)
        unknown = f"the file is no image of a known format; it begins with {head[:8]!r}"
        problem = f"the file begins like a {kind} file, but its header is damaged" if kind else unknown
        return Remark("IMG-UNDECODABLE", problem, _REPLACE)
    return Remark("IMG-UNDECODABLE", f"the file is damaged: {message:.200}", _REPLACE)

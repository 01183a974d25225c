"""The quick decoder gives Pillow's pixels and Pillow's errors."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sparseinst.errors import DatasetError
from sparseinst.imaging import decode
from sparseinst.imaging.decode import decode_image
from sparseinst.imaging.read import read_image

NOISE = np.random.default_rng(0).integers(0, 256, (48, 33, 3), dtype=np.uint8)


def encoded(mode: str = "RGB", file_format: str = "JPEG", **options) -> bytes:
    content = BytesIO()
    Image.fromarray(NOISE).convert(mode).save(content, file_format, **options)
    return content.getvalue()


def oriented(value: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = value
    return exif


def xmp(value: int) -> bytes:
    return f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a tiff:Orientation="{value}"/></x:xmpmeta>'.encode()


KINDS = {
    **{f"{sampling} {kind}": encoded(subsampling=sampling, **options)
       for sampling in ("4:4:4", "4:2:2", "4:2:0")
       for kind, options in (("baseline", {}), ("progressive", {"progressive": True}), ("fine", {"quality": 98}))},
    "grey": encoded("L"),
    "restart markers": encoded(restart_marker_blocks=2),
    "rgb inside": encoded(keep_rgb=True),
    "cmyk": encoded("CMYK"),
    "comment": encoded(comment=b"Exif, Orientation"),
    "profile": encoded(icc_profile=b"\x00" * 200),
    **{f"exif {value}": encoded(exif=oriented(value)) for value in range(10)},
    **{f"xmp {value}": encoded(xmp=xmp(value)) for value in (1, 6)},
    **{name: encoded(file_format=name) for name in ("PNG", "BMP", "WEBP", "TIFF", "MPO")},
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_file_has_pillows_pixels(kind: str):
    found = decode_image(KINDS[kind])
    np.testing.assert_array_equal(found, read_image(KINDS[kind]))
    assert found.flags.c_contiguous
    found[0, 0] = 7  # writable, of its own


def test_usual_photographs_do_not_go_to_pillow(monkeypatch: pytest.MonkeyPatch):
    def refuse(*_, **__):
        raise AssertionError("Pillow was asked")

    monkeypatch.setattr(decode, "read_image", refuse)
    for kind in ("4:2:0 baseline", "4:4:4 progressive", "grey", "comment", "exif 1", "xmp 1"):
        decode_image(KINDS[kind])
    with pytest.raises(AssertionError):
        decode_image(KINDS["exif 6"])


def test_all_real_photographs_have_pillows_pixels(shared: Path):
    files = [path for path in (shared / "data").rglob("*") if path.suffix in (".jpg", ".png")]
    assert len(files) > 500
    for path in files:
        content = path.read_bytes()
        assert np.array_equal(decode_image(content), read_image(content)), path


@given(st.sampled_from(["4:2:0 baseline", "4:4:4 progressive", "grey", "exif 6", "PNG"]), st.data())
@settings(max_examples=250, deadline=None)
@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, about damaged EXIF data
def test_damaged_files_end_as_with_pillow(kind: str, data: st.DataObject):
    content = bytearray(KINDS[kind])
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content)))]
    for _ in range(data.draw(st.integers(0, 3)) if content else 0):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        wanted = read_image(bytes(content), name="cut.jpg")
    except DatasetError as error:
        with pytest.raises(DatasetError) as caught:
            decode_image(bytes(content), name="cut.jpg")
        assert str(caught.value) == str(error)
    else:
        np.testing.assert_array_equal(decode_image(bytes(content), name="cut.jpg"), wanted)


def test_a_file_that_ends_too_early_is_named():
    content = KINDS["4:2:0 baseline"]
    for kept in (0, 3, 30, len(content) // 2, len(content) - 100):
        with pytest.raises(DatasetError, match=r"(?s)cannot be decoded.*train/1\.jpg"):
            decode_image(content[:kept], name="train/1.jpg")

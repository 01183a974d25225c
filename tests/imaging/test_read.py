from io import BytesIO

import numpy as np
import pytest
from PIL import EpsImagePlugin, Image

from sparseinst.errors import DatasetError
from sparseinst.imaging.read import Limits, read_image

RED_THEN_BLUE = np.array([[[255, 0, 0], [0, 0, 255]]], np.uint8).repeat(8, 0).repeat(8, 1)  # 8 high, 16 wide


def encoded(image: Image.Image, file_format: str, **options) -> bytes:
    content = BytesIO()
    image.save(content, file_format, **options)
    return content.getvalue()


def test_a_colour_image_comes_back_pixel_for_pixel_from_path_and_bytes(tmp_path):
    content = encoded(Image.fromarray(RED_THEN_BLUE), "PNG")
    (tmp_path / "a.png").write_bytes(content)
    for source in (content, tmp_path / "a.png", str(tmp_path / "a.png")):
        image = read_image(source)
        assert image.dtype == np.uint8
        np.testing.assert_array_equal(image, RED_THEN_BLUE)
        image[0, 0] = 7  # writable, of its own


def test_a_photo_held_sideways_is_turned_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # "rotate by 90 degrees clockwise to show"
    image = read_image(encoded(Image.fromarray(RED_THEN_BLUE), "JPEG", exif=exif, quality=95))
    assert image.shape == (16, 8, 3)
    assert image[2, 4, 0] > 200 and image[13, 4, 2] > 200  # red on top, blue below


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK"])
def test_every_8_bit_mode_becomes_rgb(mode):
    grey = Image.fromarray(np.full((5, 7, 3), 255, np.uint8))
    image = read_image(encoded(grey.convert(mode), "TIFF" if mode == "CMYK" else "PNG"))
    assert image.shape == (5, 7, 3)
    assert (image >= 254).all()


def test_cmyk_jpegs_keep_their_colours():
    content = encoded(Image.fromarray(RED_THEN_BLUE).convert("CMYK"), "JPEG", quality=95)
    image = read_image(content)
    assert (image[4, 4] > [200, -1, -1]).all() and (image[4, 4] < [256, 60, 60]).all()


def test_sixteen_bits_keep_their_upper_byte_instead_of_being_clipped():
    deep = np.array([[0, 255, 256, 0x8000, 0xFFFF]], np.uint16)
    for file_format in ("PNG", "TIFF"):
        image = read_image(encoded(Image.fromarray(deep), file_format))
        np.testing.assert_array_equal(image[0, :, 0], [0, 0, 1, 0x80, 0xFF])


def test_floating_point_pixels_are_refused_with_a_fix():
    content = encoded(Image.fromarray(np.zeros((4, 4), np.float32)), "TIFF")
    with pytest.raises(DatasetError, match="floating-point") as caught:
        read_image(content, name="scan.tif")
    assert caught.value.where == "scan.tif" and caught.value.fix


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "BMP", "WEBP"])
def test_truncated_files_are_named_wherever_the_cut_is(file_format, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    content = encoded(Image.fromarray(noise), file_format)
    for kept in (0, 3, 10, 30, len(content) // 2, len(content) - 100):
        path = tmp_path / "cut"
        path.write_bytes(content[:kept])
        with pytest.raises(DatasetError) as caught:
            read_image(path)
        assert str(path) in str(caught.value)
        assert "fix:" in str(caught.value)


def test_text_and_missing_files_are_no_images(tmp_path):
    with pytest.raises(DatasetError, match="cannot be decoded"):
        read_image(b"not an image")
    with pytest.raises(DatasetError, match="does not exist"):
        read_image(tmp_path / "absent.jpg")
    with pytest.raises(DatasetError):
        read_image(tmp_path)  # a folder


def test_postscript_is_refused_whatever_its_name_is_and_no_other_program_is_started(tmp_path, monkeypatch):
    def start(*_: object) -> None:
        raise AssertionError("Ghostscript was started")

    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", start)
    content = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n%%EOF\n"
    (tmp_path / "photo.jpg").write_bytes(content)
    for source in (content, tmp_path / "photo.jpg"):
        with pytest.raises(DatasetError, match="PostScript"):
            read_image(source)


def test_beyond_its_limits_a_picture_is_not_decoded():
    content = encoded(Image.fromarray(RED_THEN_BLUE), "PNG")
    np.testing.assert_array_equal(read_image(content, limits=Limits(pixels=128, formats=("PNG",))), RED_THEN_BLUE)
    damaged = content[:-30]  # the header is whole: what is said is the size, not the damage
    with pytest.raises(DatasetError, match=r"16 x 8 pixels; at most 0\.0001 million"):
        read_image(damaged, limits=Limits(pixels=100, formats=("PNG",)))
    with pytest.raises(DatasetError, match="no image of a known kind"):
        read_image(content, limits=Limits(pixels=128, formats=("JPEG",)))

import os
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sparseinst.data.checks.image_files import check_image_file
from sparseinst.errors import DatasetError
from sparseinst.imaging.read import read_image
from tests.data.checks.image_zoo import HEIGHT, WIDTH, ZOO, chunk, encoded, photo, png, turned

SIZE = (HEIGHT, WIDTH)
WHOLE = [name for name, (_, codes) in ZOO.items() if not {"IMG-UNDECODABLE", "IMG-TRUNCATED", "IMG-FLOAT"} & {*codes}]


def is_readable(content: bytes) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return read_image(content).size > 0
        except DatasetError:
            return False


def codes(source: Path | bytes, declared: tuple[int, int] | None = None, name: str | None = None) -> list[str]:
    return [remark.code for remark in check_image_file(source, declared, name=name).remarks]


@pytest.mark.parametrize("name", ZOO)
def test_every_kind_of_file_gets_its_codes_and_no_others_from_disk_and_from_memory(name, tmp_path):
    content, expected = ZOO[name]
    (tmp_path / name).write_bytes(content)
    for source in (tmp_path / name, content):
        facts = check_image_file(source, SIZE, name=name)
        assert [remark.code for remark in facts.remarks] == expected
        assert (facts.fingerprint is not None) == (name in WHOLE)
        for remark in facts.remarks:
            assert remark.problem and not remark.problem.endswith(".") and "object at" not in remark.problem
            assert remark.fix and not remark.fix.endswith(".")


@pytest.mark.parametrize("name", WHOLE)
def test_what_is_sound_here_is_what_training_can_read_and_has_the_same_size(name):
    content, _ = ZOO[name]
    assert check_image_file(content).size == read_image(content).shape[:2] == SIZE


def test_a_folder_a_pipe_a_device_and_nothing_are_no_files_and_nobody_waits_for_them(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "loop.jpg").symlink_to(tmp_path / "loop.jpg")
    for path in (
        tmp_path,
        tmp_path / "pipe.jpg",
        tmp_path / "loop.jpg",
        tmp_path / "absent.jpg",
        tmp_path / ("long" * 99),
        Path("nul\0byte.jpg"),
        Path("/dev/zero"),
    ):
        assert codes(path, SIZE) == ["IMG-FILE"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_must_not_be_read_is_no_file(tmp_path):
    (tmp_path / "secret.jpg").write_bytes(encoded(photo(), "JPEG"))
    (tmp_path / "secret.jpg").chmod(0)
    assert codes(tmp_path / "secret.jpg") == ["IMG-FILE"]


def test_another_size_is_an_error_that_tells_swapped_and_scaled_ones():
    content = encoded(photo(), "JPEG")
    for declared, hint in (((30, 30), "40 x 24"), ((WIDTH, HEIGHT), "swapped"), ((48, 80), "0.5 times")):
        (remark,) = check_image_file(content, declared).remarks
        assert remark.code == "IMG-SIZE"
        assert hint in remark.problem


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_rotation_is_a_note_unless_the_picture_was_annotated_without_it(form, orientation):
    content = turned(form, orientation)
    facts = check_image_file(content)
    assert facts.size == read_image(content).shape[:2] == (SIZE if orientation < 5 else SIZE[::-1])
    assert facts.orientation == orientation
    assert codes(content, facts.size) == ([] if orientation == 1 else ["IMG-EXIF"])
    if orientation >= 5:
        assert codes(content, SIZE) == ["IMG-EXIF-SIZE"]
        assert codes(content, (7, 7)) == ["IMG-SIZE"]


def test_a_png_that_tells_its_rotation_behind_the_pixels_is_turned_as_well():
    whole = encoded(photo(), "PNG")
    exif = Image.Exif()
    exif[0x0112] = 6
    content = whole[:-12] + chunk(b"eXIf", exif.tobytes()[6:]) + whole[-12:]
    assert codes(content, SIZE[::-1]) == ["IMG-EXIF"]
    assert codes(content, SIZE) == ["IMG-EXIF-SIZE"]


def test_the_fingerprint_is_the_pictures_not_the_files():
    same = [
        encoded(photo(), "PNG"),
        encoded(photo(), "PNG", compress_level=1),
        encoded(photo(), "BMP"),
        encoded(photo(), "TIFF"),
        encoded(photo(), "WEBP", lossless=True),
        encoded(
            photo().transpose(Image.Transpose.FLIP_LEFT_RIGHT),
            "PNG",
            exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x02\0\0\0\0\0\0",
        ),
    ]
    assert len({check_image_file(content).fingerprint for content in same}) == 1
    other = np.array(photo())
    other[3, 5, 1] ^= 1
    assert check_image_file(encoded(Image.fromarray(other), "PNG")).fingerprint.content != (
        check_image_file(same[0]).fingerprint.content
    )
    black = [encoded(Image.new("RGB", size), "PNG") for size in ((8, 4), (4, 8))]  # the same bytes, another shape
    assert len({check_image_file(content).fingerprint.content for content in black}) == 2


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP", "GIF", "BMP", "JPEG2000", "PPM"])
def test_a_file_that_ends_too_early_is_called_so_wherever_it_ends(form):
    content = encoded(photo(), form)
    for kept in range(16, len(content), 7):
        cut = content[:kept]
        if not is_readable(cut):
            (remark,) = check_image_file(cut).remarks
            assert remark.code == "IMG-TRUNCATED", (kept, remark)
            assert f"byte {kept}" in remark.problem
        else:
            assert codes(cut) == []  # only what follows the pixels is missing
            assert kept > len(content) - 24 or form == "JPEG2000"


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_deflate", "jpeg"])
def test_a_compressed_tiff_whose_strips_are_cut_off_ends_too_early(compression):
    content = encoded(photo(), "TIFF", compression=compression)
    for kept in range(16, len(content), 7):
        assert codes(content[:kept]) == ["IMG-TRUNCATED"]


def test_damage_inside_a_whole_file_is_damage():
    content = bytearray(encoded(photo(), "PNG"))
    content[len(content) // 2] ^= 0xFF
    assert codes(bytes(content)) == ["IMG-UNDECODABLE"]


def test_a_picture_that_bursts_when_it_is_unpacked_is_refused_by_its_header():
    (remark,) = check_image_file(png(8, 2, b"", 100_000, 100_000)).remarks
    assert "10000000000 pixels" in remark.problem


def test_a_large_photo_is_no_bomb_and_pillows_warning_about_it_stays_inside(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", HEIGHT * WIDTH - 1)
    assert codes(encoded(photo(), "PNG"), SIZE) == []


@given(
    st.binary(max_size=300), st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\0", b"RIFF", b"GIF89a"])
)
def test_bytes_without_sense_are_a_finding_and_never_an_exception(noise, start):
    facts = check_image_file(start + noise, SIZE, name="noise.jpg")
    assert facts.fingerprint is not None or facts.remarks


@given(
    st.sampled_from(sorted(ZOO)), st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 7)), max_size=8)
)
def test_flipped_bits_are_at_worst_a_finding(name, flips):
    content = bytearray(ZOO[name][0])
    for place, bit in flips:
        if content:
            content[int(place * len(content))] ^= 1 << bit
    facts = check_image_file(bytes(content), SIZE, name=name)
    assert facts.fingerprint is not None or facts.remarks
    assert len({remark.code for remark in facts.remarks}) == len(facts.remarks)

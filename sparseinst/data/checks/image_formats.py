"""The formats of image files: which one a name promises, and what a file is that is no image."""

from __future__ import annotations

from pathlib import PurePosixPath

# The endings of image files, with Pillow's name of the format. A format that is not here is never called wrong.
_FORMATS = {
    ".avif": "AVIF",
    ".bmp": "BMP",
    ".gif": "GIF",
    ".jfif": "JPEG",
    ".jp2": "JPEG2000",
    ".jpe": "JPEG",
    ".jpeg": "JPEG",
    ".jpg": "JPEG",
    ".pbm": "PPM",
    ".pgm": "PPM",
    ".png": "PNG",
    ".ppm": "PPM",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
}
# MPO is a JPEG file with more pictures behind the first, as phones make it: a preview, a depth or a brightness map.
_SAME = {"MPO": "JPEG"}

# What people have under the name of an image: its first bytes, what that is, how to mend it.
_IMPOSTORS = (
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself", "Fetch the file with 'git lfs pull'"),
    (b"<!doctype html", "a web page: the download went wrong", "Download the image again"),
    (b"<html", "a web page: the download went wrong", "Download the image again"),
    (b"<?xml", "an XML document, perhaps an error of a bucket or an SVG drawing", "Put a JPEG or PNG in its place"),
    (b"<svg", "an SVG drawing, which has no pixels", "Save it as PNG"),
    (b"%pdf", "a PDF document", "Save the page as PNG"),
    (b"%!ps", "a PostScript drawing, which has no pixels", "Save it as PNG"),
    (b"pk\x03\x04", "a ZIP archive", "Unpack it"),
    (b"\x1f\x8b", "a gzip archive", "Unpack it"),
    (b"{", "a JSON document", "Download the image again"),
)
_STARTS = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG": "PNG",
    b"GIF8": "GIF",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"RIFF": "WebP",
}
# The first brand of an ISO media file.
_VIDEO = (b"isom", b"iso2", b"mp41", b"mp42", b"avc1", b"M4V ", b"qt  ", b"3gp4", b"3gp5")
_HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1")


def promised_format(name: str) -> str | None:
    """The format that a file's name says, e.g. "JPEG"; None where it says none that is known here."""
    return _FORMATS.get(PurePosixPath(name).suffix.lower())


def format_of(pillow_format: str) -> str:
    """Pillow's name of a format, with one name for what is one kind of file."""
    return _SAME.get(pillow_format, pillow_format)


def impostor(head: bytes) -> tuple[str, str] | None:
    """What a file is that is no image, and how to mend it, told from its first bytes."""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for start, what, fix in _IMPOSTORS:
        if text.startswith(start):
            return what, fix
    if head[4:8] == b"ftyp":
        if head[8:12] in _HEIC:
            return "a HEIC photo, which cannot be read here", "Convert it to JPEG"
        if head[8:12] in _VIDEO:
            return "a video", "Save its frames as JPEG, and annotate those"
    return None


def begun_format(head: bytes) -> str | None:
    """The format that a file's first bytes promise, even where the rest of its header is damaged."""
    return next((kind for start, kind in _STARTS.items() if head.startswith(start)), None)

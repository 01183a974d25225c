"""The same picture twice: within a split it counts double, in train and val it makes the score too good.

Pictures are the same where all their pixels are, whatever file they are in. A copy that was saved anew as JPEG has
other pixels; it is known by a grey thumbnail that hardly differs. Measured on 522 photos and micrographs saved at
qualities 30 to 95, a copy differs by 0.2 to 1.6 grey levels (root mean square) and by 5 at most in any field of the
thumbnail; the two most alike of different pictures differ by 3.8 and 21. All copies of quality 75 and 95 were found,
496 of quality 50 and 466 of quality 30 (the others are dark: too little to be sure of), and no two others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from sparseinst.data.checks.findings import Finding
from sparseinst.data.checks.image_formats import promised_format

_MOST_RMS = 1.5  # grey levels
_MOST_IN_A_FIELD = 6  # grey levels
_MOST_OF_CONTRAST = 0.1  # the difference in units of the picture's own contrast: dark pictures are all alike
_LEAST_CONTRAST = 2.0  # grey levels; below it there is nothing to compare

# Pictures that may be the same are neighbours in a space of few dimensions, onto which thumbnails are thrown at random:
# distances last there, whatever the pictures show. The seed makes it the same space everywhere.
_DIMENSIONS = 16
_SLACK = 1.25  # of distances, for what chance adds to them
_ROWS, _COLUMNS = 512, 2048  # places that are compared at a time
_BLOCK = 4096  # thumbnails in float32 at a time: 16 MiB


@dataclass(frozen=True, slots=True)
class Pictures:
    """What is kept of a split's images to compare them by; each attribute has an element for each image.

    Attributes:
        pointers: Where the annotation file tells of it, e.g. "/images/12".
        names: The file names.
        contents: 16 bytes that are the same exactly where all pixels are; None where it could not be decoded.
        thumbnails: uint8 [N, 1024], grey; 0 where it could not be decoded.
    """

    pointers: Sequence[str]
    names: Sequence[str]
    contents: Sequence[bytes | None]
    thumbnails: NDArray[np.uint8]


def duplicates(pictures: Pictures) -> list[Finding]:
    """IMG-TWICE for each image that shows the same picture as one before it. The same file named twice is not meant."""
    fix = "Keep one of them, with the annotations of both"
    findings = []
    for later, first, how in _pairs(pictures, pictures, earlier=True):
        if pictures.names[later] != pictures.names[first]:
            problem = f"{how} {pictures.names[first]} ({pictures.pointers[first]})"
            findings.append(Finding("IMG-TWICE", pictures.pointers[later], problem, fix, pictures.names[later]))
    return findings


def leaks(train: Pictures, val: Pictures) -> list[Finding]:
    """IMG-LEAK for each image of val that shows the same picture as one of train."""
    fix = "Take it out of train or out of val"
    return [
        Finding("IMG-LEAK", val.pointers[ours], f"{how} {train.names[theirs]} of train", fix, val.names[ours])
        for ours, theirs, how in _pairs(val, train, earlier=False)
    ]


def orphans(names: Iterable[str], used: Iterable[str]) -> list[Finding]:
    """IMG-ORPHAN for each folder with image files that no annotation file names. Other files are not counted.

    Args:
        names: All files of a source, as paths with slashes.
        used: Those of them that the annotation files mean.
    """
    folders: dict[str, list[str]] = {}
    for name in sorted(set(names).difference(used)):
        path = PurePosixPath(name)
        if promised_format(name):
            folders.setdefault(str(path.parent), []).append(path.name)
    fix = "Nothing, if they are meant to be left out; otherwise annotate them"
    return [
        Finding("IMG-ORPHAN", "", f"{_counted(files)} that no annotation file names", fix, folder)
        for folder, files in folders.items()
    ]


def _counted(files: Sequence[str]) -> str:
    shown = ", ".join(files[:3])
    if len(files) == 1:
        return f"an image file ({shown})"
    return f"{len(files)} image files ({shown}{', ...' if len(files) > 3 else ''})"


def _pairs(ours: Pictures, theirs: Pictures, *, earlier: bool) -> Iterator[tuple[int, int, str]]:
    """For each of our pictures that is there: its number, the first one of theirs that is the same, and how it is.

    Args:
        earlier: Both are one and the same; only pictures before our own count.
    """
    first: dict[bytes, int] = {}
    for number, content in enumerate(theirs.contents):
        if content is not None:
            first.setdefault(content, number)
    alike = _alike(ours.thumbnails, theirs.thumbnails, earlier)
    for number, content in enumerate(ours.contents):
        if content is None:
            continue
        same = first.get(content)
        if same is not None and not (earlier and same == number):
            yield number, same, "the same picture as"
        elif number in alike:
            other, rms = alike[number]
            yield number, other, f"the same picture, re-encoded ({rms:.1f} grey levels apart), as"


def _alike(ours: NDArray[np.uint8], theirs: NDArray[np.uint8], earlier: bool) -> dict[int, tuple[int, float]]:
    """For our thumbnails that have a counterpart in theirs: its number, and how far they differ in grey levels."""
    our_numbers, our_places = _places(ours)
    their_numbers, their_places = _places(theirs)
    if not len(our_numbers) or not len(their_numbers):
        return {}
    nearest, distance = _nearest(our_places, their_places, earlier)
    alike = {}
    for row in np.flatnonzero(distance <= _SLACK * _MOST_OF_CONTRAST * _DIMENSIONS**0.5):
        our, their = int(our_numbers[row]), int(their_numbers[nearest[row]])
        rms = _difference(ours[our], theirs[their])
        if rms is not None:
            alike[our] = their, rms
    return alike


def _nearest(
    ours: NDArray[np.float32], theirs: NDArray[np.float32], earlier: bool
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """For each of our places the nearest of theirs, and its distance. With `earlier`, only those with a lower number.

    All are compared with all, in blocks, which takes the same time whatever the pictures show. A tree was as fast on
    photos, and sixty times slower on pictures of one scene.
    """
    # |ours - theirs|^2 without |ours|^2, which makes no difference to which is the nearest, is one product of matrices.
    left = np.hstack([-2 * ours, np.ones((len(ours), 1), np.float32)])
    right = np.hstack([theirs, np.square(theirs).sum(axis=1, keepdims=True)])
    nearest, least = np.zeros(len(ours), np.intp), np.full(len(ours), np.inf, np.float32)
    for start in range(0, len(ours), _ROWS):
        rows = slice(start, min(start + _ROWS, len(ours)))
        for column in range(0, rows.stop if earlier else len(theirs), _COLUMNS):
            squares = left[rows] @ right[column : column + _COLUMNS].T
            if earlier and column + _COLUMNS > start:
                later = np.arange(column, column + squares.shape[1]) >= np.arange(start, rows.stop)[:, None]
                squares[later] = np.inf
            best = squares.argmin(axis=1)
            value = squares[np.arange(len(best)), best]
            better = value < least[rows]
            nearest[rows][better], least[rows][better] = best[better] + column, value[better]
    return nearest, np.sqrt(np.maximum(least + np.square(ours).sum(axis=1), 0))


def _places(thumbnails: NDArray[np.uint8]) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Which thumbnails show something, and where they are in the space of neighbours, float32 [M, 16].

    The unit is the largest contrast at which the two tolerances meet, or the picture's own contrast where that is less:
    the same picture is within _MOST_OF_CONTRAST in each dimension, roughly, and others are at 1 or more.
    """
    draw = np.random.default_rng(0).standard_normal((thumbnails.shape[1], _DIMENSIONS), np.float32)
    directions = draw / np.linalg.norm(draw, axis=0)
    numbers, places = [], []
    for start in range(0, len(thumbnails), _BLOCK):
        block = thumbnails[start : start + _BLOCK].astype(np.float32)
        block -= block.mean(axis=1, keepdims=True)
        contrast = block.std(axis=1)
        shows = np.flatnonzero(contrast >= _LEAST_CONTRAST)
        unit = np.minimum(contrast[shows], _MOST_RMS / _MOST_OF_CONTRAST)
        numbers.append(shows + start)
        places.append(block[shows] @ directions / unit[:, None])
    return np.concatenate(numbers or [np.empty(0, np.intp)]), np.concatenate(places or [np.empty((0, 1), np.float32)])


def _difference(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float | None:
    """How far two thumbnails differ, root mean square in grey levels; None where they show different pictures."""
    difference = one.astype(np.float32) - other
    rms = float(np.sqrt(np.square(difference).mean()))
    contrast = min(float(one.std()), float(other.std()))
    same = rms <= min(_MOST_RMS, _MOST_OF_CONTRAST * contrast) and np.abs(difference).max() <= _MOST_IN_A_FIELD
    return rms if same else None

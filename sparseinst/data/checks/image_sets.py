"""All image files of a split: every finding in one pass, and what is kept to tell the pictures from each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sparseinst.data.checks.findings import Finding
from sparseinst.data.checks.image_files import check_image_file
from sparseinst.data.checks.image_fingerprint import THUMBNAIL_SIDE, Fingerprint
from sparseinst.data.checks.image_pool import in_processes, usable_cpus
from sparseinst.data.checks.image_remarks import Remark
from sparseinst.data.checks.leakage import Pictures
from sparseinst.progress import progress

_FEW = 200  # files that are checked before processes have started
_OF_THE_ENTRY = {"IMG-SIZE", "IMG-EXIF-SIZE"}  # about height and width, not about the file's name


class ImageEntry(NamedTuple):
    """An image as an annotation file tells of it.

    Attributes:
        pointer: Where, e.g. "/images/12".
        name: The `file_name` as it is written.
        path: The file; None where there is none.
        declared: (height, width), or None where the annotation file says no usable size.
    """

    pointer: str
    name: str
    path: Path | None
    declared: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class CheckedImages:
    """The findings in the order of the entries, and the pictures for `sparseinst.data.checks.leakage`."""

    findings: list[Finding]
    pictures: Pictures


def check_images(entries: Sequence[ImageEntry], *, workers: int | None = None, stage: str = "check") -> CheckedImages:
    """Opens and decodes every image.

    What it keeps of an image is about 1 KiB. A picture that kills the process which decodes it is a finding as well.

    Args:
        workers: Processes; by default one for each usable CPU, and none for a few files.
        stage: Whose progress it is, as in the log.
    """
    workers = workers if workers is not None else usable_cpus() if len(entries) >= _FEW else 1
    findings: list[Finding] = []
    contents: list[bytes | None] = []
    thumbnails = np.zeros((len(entries), THUMBNAIL_SIDE**2), np.uint8)
    with progress(stage, "decoding images", len(entries)) as advance:
        results = in_processes(_check_entry, entries, workers)
        for number, (entry, result) in enumerate(zip(entries, results, strict=True)):
            remarks, print_of_it = result or ([_deadly()], None)
            findings += _placed(entry, remarks)
            contents.append(print_of_it.content if print_of_it else None)
            if print_of_it:
                thumbnails[number] = np.frombuffer(print_of_it.thumbnail, np.uint8)
            advance()
    pointers, names = [entry.pointer for entry in entries], [entry.name for entry in entries]
    return CheckedImages(findings, Pictures(pointers, names, contents, thumbnails))


def _check_entry(entry: ImageEntry) -> tuple[list[Remark], Fingerprint | None]:
    if entry.path is None:
        return [Remark("IMG-FILE", f"there is no file {entry.name}", "Add the file, or delete the entry")], None
    facts = check_image_file(entry.path, entry.declared, name=entry.name)
    return facts.remarks, facts.fingerprint


def _deadly() -> Remark:
    problem = "the process that decoded it was killed, probably because the memory does not suffice"
    return Remark("IMG-UNDECODABLE", problem, "Make the picture smaller, or give this step more memory")


def _placed(entry: ImageEntry, remarks: Sequence[Remark]) -> Iterator[Finding]:
    for code, problem, fix in remarks:
        pointer = entry.pointer if code in _OF_THE_ENTRY else f"{entry.pointer}/file_name"
        yield Finding(code, pointer, problem, fix, entry.name)

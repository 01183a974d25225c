"""A file of detections of any size: its kind, and its detections as Python objects, some thousands at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sparseinst.data.coco_file.reading import CocoFile
from sparseinst.data.coco_file.text import Buffer, SyntaxProblem, open_bytes
from sparseinst.errors import DatasetError, EvaluationError
from sparseinst.evaluation.detections.long_list import pieces_of_list

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_OTHERS = ("detections", "predictions", "results", "bbox", "segm")  # where other programs put their lists


class DetectionsFile:
    """COCO results (a list), or a COCO object whose annotations have scores, as `sparseinst predict` writes.

    Attributes:
        data: The bytes, which are read from disk as they are looked at.
        coco: The COCO object; None where the file is a list.
        pointer: The list's JSON pointer: "" or "/annotations".

    Raises:
        SyntaxProblem: It is neither a list nor a COCO object.
    """

    def __init__(self, path: Path, data: Buffer) -> None:
        """`data` is what `open_detections` gave."""
        self.data = data
        self.has_byte_order_mark = self.data[:3] == _BYTE_ORDER_MARK
        self._begin = len(_BYTE_ORDER_MARK) if self.has_byte_order_mark else 0
        head = self.data[self._begin : self._begin + 4096]
        self.coco = None if head.lstrip()[:1] == b"[" and b"\0" not in head[:4] else _open_object(path, head)
        self.pointer = "" if self.coco is None else "/annotations"

    def pieces(self) -> Iterator[tuple[list[Any], int]]:
        """All entries of the list, in lists of some thousands, each with the length of its text in bytes.

        Raises:
            SyntaxProblem: The text is not JSON there; what came before is.
        """
        if self.coco is None:
            yield from pieces_of_list(self.data, self.data.find(b"[", self._begin) + 1)
            return
        for piece in self.coco.pieces("annotations"):
            yield self.coco.parse(piece), piece.end - piece.start
        for problem in self.coco.problems_of_others():
            raise problem


def open_detections(path: Path) -> Buffer:
    """The bytes of a file of detections.

    Raises:
        EvaluationError: There is no such file, or it cannot be read.
    """
    try:
        return open_bytes(path)
    except DatasetError as error:
        problem = (
            "The detections are a directory."
            if path.is_dir()
            else error.problem.replace("annotation file", "file of detections")
        )
        fix = "Name a JSON file with COCO results, for example detections.json of `sparseinst evaluate`."
        raise EvaluationError(problem, where=str(path), fix=fix) from error


def _open_object(path: Path, head: bytes) -> CocoFile:
    if not head.strip():
        raise SyntaxProblem(0, "the file is empty")
    try:
        coco = CocoFile(path)
    except SyntaxProblem as problem:
        if problem.code == "JSON-SYNTAX" and head.lstrip()[:1] not in (b"{", b""):
            problem = SyntaxProblem(problem.place, "it begins neither with '[' nor with '{', as JSON files of lists do")
        elif problem.problem == "Extra data":
            text = "there is more behind the first object; a list needs '[', commas and ']'"
            problem = SyntaxProblem(problem.place, text)
        raise problem from None
    if [part.key for part in coco.parts].count("annotations") > 1:
        raise SyntaxProblem(0, "the list 'annotations' is there twice", "JSON-KEY-TWICE")
    part = coco.part("annotations")
    if part is None or not part.is_list:
        there = [key for key in _OTHERS if coco.part(key) is not None]
        hint = f"; write the list {there[0]!r} alone into a file" if there else ""
        raise SyntaxProblem(0, f"the object has no list 'annotations'{hint}", "JSON-TYPE")
    return coco

"""A COCO annotation file of any size: its small parts whole, its lists piece by piece."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from sparseinst.data.coco_file.outline import Part, outline
from sparseinst.data.coco_file.text import SyntaxProblem, line_and_column, open_bytes, parse, parse_entries
from sparseinst.errors import DatasetError

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_NOT_TEXT = {
    b"\x1f\x8b": "a gzip archive",
    b"PK\x03\x04": "a zip archive",
    b"\xfd7zXZ": "an xz archive",
    b"BZh": "a bzip2 archive",
    b"\xff\xfe": "UTF-16 or UTF-32 text",
    b"\xfe\xff": "UTF-16 text",
    b"\x00\x00\xfe\xff": "UTF-32 text",
}
LISTS = ("images", "annotations", "categories")


class Piece(NamedTuple):
    """A part of a list's text: the bytes from `start` to `end`."""

    start: int
    end: int
    is_first: bool


class CocoFile:
    """The outline of a file is made when it is opened; entries are parsed when they are asked for.

    Raises:
        DatasetError: There is no such file, or it cannot be read.
        SyntaxProblem: It is no JSON object as far as the outline can tell.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.data = open_bytes(path)
        self.has_byte_order_mark = self.data[:3] == _BYTE_ORDER_MARK
        self.parts = outline(self.data, self._begin())
        self._by_key = {part.key: part for part in self.parts}

    def part(self, key: str) -> Part | None:
        """The member of this name; of several the last one, as JSON readers have it."""
        return self._by_key.get(key)

    def pieces(self, key: str) -> list[Piece]:
        """The text of a list, cut between entries into pieces of some megabytes; none where there is no such list."""
        part = self.part(key)
        return [] if part is None or not part.is_list else self._cut(part)

    def problems_of_others(self) -> list[SyntaxProblem]:
        """What is wrong with the text of what `others` gives, which is read piece by piece."""
        problems = []
        for part in self.parts:
            if part.key in LISTS or part.start < 0:
                continue
            try:
                if part.is_list:
                    for piece in self._cut(part):
                        self.parse(piece)
                else:
                    parse(self.data[part.start : part.end], part.start)
            except SyntaxProblem as problem:
                problems.append(problem)
        return problems

    def _cut(self, part: Part) -> list[Piece]:
        edges = [part.start + 1, *part.cuts, part.end - 1]
        return [Piece(start, end, number == 0) for number, (start, end) in enumerate(pairwise(edges)) if end > start]

    def parse(self, piece: Piece) -> list[Any]:
        """The entries in a piece.

        Raises:
            SyntaxProblem: The text is not JSON there.
        """
        return parse_entries(self.data, piece.start, piece.end, piece.is_first)

    def entries(self, key: str) -> Iterator[list[Any]]:
        """All entries of a list, in lists of some thousands.

        Raises:
            DatasetError: The text is not JSON somewhere.
        """
        for piece in self.pieces(key):
            try:
                yield self.parse(piece)
            except SyntaxProblem as problem:
                raise self.error(problem) from problem

    def images(self) -> Iterator[list[dict[str, Any]]]:
        return self.entries("images")

    def annotations(self) -> Iterator[list[dict[str, Any]]]:
        return self.entries("annotations")

    def categories(self) -> list[dict[str, Any]]:
        return [entry for piece in self.entries("categories") for entry in piece]

    def others(self) -> dict[str, Any]:
        """What the file has beside images, annotations and categories: info, licenses, and whatever tools add."""
        found: dict[str, Any] = {}
        for part in self.parts:
            if part.key not in LISTS:
                found[part.key] = part.value if part.start < 0 else self._parse_part(part)
        return found

    def error(self, problem: SyntaxProblem) -> DatasetError:
        """What is wrong with the text, as an error."""
        return text_error(self.path, problem)

    def _parse_part(self, part: Part) -> Any:
        try:
            return parse(self.data[part.start : part.end], part.start)
        except SyntaxProblem as problem:
            raise self.error(problem) from problem

    def _begin(self) -> int:
        for magic, kind in _NOT_TEXT.items():
            if self.data[: len(magic)] == magic:
                raise SyntaxProblem(0, f"it is {kind}", "JSON-ENCODING")
        if b"\0" in self.data[:4]:
            raise SyntaxProblem(0, "it holds zero bytes, as UTF-16 does", "JSON-ENCODING")
        begin = len(_BYTE_ORDER_MARK) if self.has_byte_order_mark else 0
        first = self.data[begin : begin + 4096].lstrip()[:1]
        if first and first != b"{":
            raise SyntaxProblem(begin, "a COCO file begins with '{'", "JSON-TYPE" if first == b"[" else "JSON-SYNTAX")
        return begin


def open_coco(path: Path) -> CocoFile:
    """A COCO file that is expected to be sound.

    Raises:
        DatasetError: There is no such file, or it is no JSON object.
    """
    try:
        return CocoFile(path)
    except SyntaxProblem as problem:
        raise text_error(path, problem) from problem


def text_error(path: Path, problem: SyntaxProblem) -> DatasetError:
    """What is wrong with a file's text, as an error with line and column."""
    line, column = line_and_column(open_bytes(path), problem.place)
    return DatasetError(
        f"The annotation file is not JSON: {problem.problem}.",
        where=f"{path}, line {line}, column {column}",
        fix="Mend the file there, or export it again; a file that ends too early was not copied whole.",
    )

"""Everything about one annotation file: all findings in one pass, and what the file holds, in columns."""

from __future__ import annotations

import gc
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from signal import SIG_IGN, SIGINT, signal
from typing import Any

import numpy as np

from sparseinst.data.categories import Category
from sparseinst.data.checks.annotations import PieceReport, Surroundings, check_piece
from sparseinst.data.checks.categories import check_categories
from sparseinst.data.checks.findings import Finding
from sparseinst.data.checks.images import check_images
from sparseinst.data.checks.local import Local
from sparseinst.data.checks.tables import AnnotationTable, ImageTable
from sparseinst.data.checks.whole import check_whole
from sparseinst.data.coco_file.reading import LISTS, CocoFile, Piece
from sparseinst.data.coco_file.text import SyntaxProblem, line_and_column, open_bytes
from sparseinst.progress import progress

_PIECES_WORTH_PROCESSES = 4


@dataclass(frozen=True, slots=True)
class Checked:
    """A checked file.

    Attributes:
        findings: In the order of the file: images, categories, annotations, then what concerns all of them.
        categories: Sorted by id.
        images: All with an id.
        annotations: The sound ones. All, where no finding is an error.
        entries: How many entries the lists have, sound or not, by the list's name.
    """

    findings: list[Finding]
    categories: list[Category]
    images: ImageTable
    annotations: AnnotationTable
    entries: dict[str, int]


def check_file(path: Path, name: str = "", *, workers: int | None = None) -> Checked:
    """Checks an annotation file of any size. Whatever the file holds, this gives findings and raises nothing.

    Args:
        name: What findings call the file.
        workers: Processes for large files; by default one for each core.

    Raises:
        DatasetError: There is no such file, or it cannot be read.
    """
    try:
        file = CocoFile(path)
    except SyntaxProblem as problem:
        return _nothing([_syntax_finding(path, problem)], name)
    findings = _check_parts(file)
    try:
        entries = dict.fromkeys(LISTS, 0)
        found_images, image_table = check_images(_counted(file, "images", entries))
        found_categories, category_ids, sorted_categories = check_categories(_counted(file, "categories", entries))
        around = Surroundings(image_table, category_ids, [category.id for category in sorted_categories])
        reports, problems = _check_annotations(file, around, workers)
        problems = [*file.problems_of_others(), *problems]
    except SyntaxProblem as problem:
        return _nothing([*findings, _syntax_finding(path, problem)], name)
    if problems or any(finding.code == "JSON-TYPE" for finding in findings):
        # What a broken file seems to lack may stand in the part that cannot be read.
        return _nothing([*findings, *(_syntax_finding(path, problem) for problem in problems)], name)
    findings += [*found_images, *found_categories, *_joined_findings(reports)]
    table = _joined_table(reports)
    findings += check_whole(reports, _joined_ids(reports), image_table, sorted_categories, table)
    entries["annotations"] = sum(report.entries for report in reports)
    return Checked([replace(f, file=name) for f in findings], sorted_categories, image_table, table, entries)


def _check_parts(file: CocoFile) -> list[Finding]:
    findings = []
    if file.has_byte_order_mark:
        fix = "Nothing needs to be done here; other tools may refuse the file: save it as UTF-8 without BOM"
        findings.append(Finding("JSON-BOM", "", "the file begins with a byte order mark", fix))
    keys = [part.key for part in file.parts]
    for key in LISTS:
        part = file.part(key)
        if part is None or not part.is_list:
            fix = "Export the data as COCO instance annotations"
            findings.append(Finding("JSON-TYPE", f"/{key}", f"there is no list {key!r}", fix))
        if keys.count(key) > 1:
            problem = f"{key!r} is there {keys.count(key)} times"
            findings.append(Finding("JSON-KEY-TWICE", f"/{key}", problem, "Join the lists: readers take the last one"))
    return findings


def _counted(file: CocoFile, key: str, entries: dict[str, int]) -> list[Any]:
    """All entries of a list. Nobody keeps them: a million dictionaries would slow every process that comes after."""
    found = [entry for piece in file.pieces(key) for entry in file.parse(piece)]
    entries[key] = len(found)
    return found


def _check_annotations(
    file: CocoFile, around: Surroundings, workers: int | None
) -> tuple[list[PieceReport], list[SyntaxProblem]]:
    """Checks the pieces, several at a time, in their order."""
    pieces = file.pieces("annotations")
    workers = workers or len(os.sched_getaffinity(0))
    reports, problems = [], []
    work = _one_by_one if len(pieces) < _PIECES_WORTH_PROCESSES or workers == 1 else _in_processes
    with progress("check", f"checking {file.path.name}", len(file.data), unit="bytes") as advance:
        for piece, result in zip(pieces, work(file, pieces, around, workers), strict=True):
            advance(piece.end - piece.start)
            if isinstance(result, PieceReport):
                reports.append(result)
            else:
                problems.append(SyntaxProblem(*result))
    return reports, problems


_Result = PieceReport | tuple[int, str, str]


def _one_by_one(file: CocoFile, pieces: Sequence[Piece], around: Surroundings, workers: int) -> Iterator[_Result]:
    for piece in pieces:
        yield _check_one(file, piece, around)


def _in_processes(file: CocoFile, pieces: Sequence[Piece], around: Surroundings, workers: int) -> Iterator[_Result]:
    context = multiprocessing.get_context("fork")  # the workers see the file and the tables without a copy
    gc.freeze()  # or the workers' garbage collectors would look at, and so copy, all that they inherit
    try:
        with ProcessPoolExecutor(workers, context, _begin_worker, (file, around)) as pool:
            yield from pool.map(_check_in_worker, pieces)
    finally:
        gc.unfreeze()


_worker: tuple[CocoFile, Surroundings]


def _begin_worker(file: CocoFile, around: Surroundings) -> None:
    global _worker
    signal(SIGINT, SIG_IGN)  # a Ctrl-C ends the process that waits for the results; the others need not each tell of it
    _worker = file, around


def _check_in_worker(piece: Piece) -> _Result:
    file, around = _worker
    return _check_one(file, piece, around)


def _check_one(file: CocoFile, piece: Piece, around: Surroundings) -> _Result:
    try:
        return check_piece(file.parse(piece), around)
    except SyntaxProblem as problem:
        return problem.place, problem.problem, problem.code


def _offsets(reports: Sequence[PieceReport]) -> list[int]:
    """The place in the file's list of each piece's first annotation."""
    return np.cumsum([0, *(report.entries for report in reports)])[:-1].tolist()


def _joined_findings(reports: Sequence[PieceReport]) -> Iterator[Finding]:
    for offset, report in zip(_offsets(reports), reports, strict=True):
        yield from (_placed(local, offset + number) for number, local in report.findings)


def _placed(local: Local, number: int) -> Finding:
    return local.at(f"/annotations/{number}")


def _joined_ids(reports: Sequence[PieceReport]) -> np.ndarray[Any, np.dtype[np.int64]]:
    pairs = [report.ids + np.array([0, offset]) for offset, report in zip(_offsets(reports), reports, strict=True)]
    return np.concatenate([np.zeros((0, 2), np.int64), *pairs])


def _joined_table(reports: Sequence[PieceReport]) -> AnnotationTable:
    if not reports:
        return _empty_table()
    offsets = _offsets(reports)
    return AnnotationTable.joined(
        [replace(r.table, numbers=r.table.numbers + offset) for offset, r in zip(offsets, reports, strict=True)]
    )


def _empty_table() -> AnnotationTable:
    ints = np.zeros(0, np.int64)
    return AnnotationTable(ints, ints, ints, ints, np.zeros(0, np.bool_), ints, np.zeros((0, 4), np.int64), ints)


def _nothing(findings: Sequence[Finding], name: str) -> Checked:
    ints = np.zeros(0, np.int64)
    entries = dict.fromkeys(LISTS, 0)
    images = ImageTable(ints, ints, ints, ints, [])
    return Checked([replace(f, file=name) for f in findings], [], images, _empty_table(), entries)


def _syntax_finding(path: Path, problem: SyntaxProblem) -> Finding:
    line, column = line_and_column(open_bytes(path), problem.place)
    fix = "Mend the file there, or export it again; a file that ends too early was not copied whole"
    if problem.code == "JSON-ENCODING":
        fix = "Save it as UTF-8; if it is an archive, unpack it first"
    where = f" (line {line}, column {column})"
    return Finding(problem.code, "", f"{problem.problem}{where}", fix)

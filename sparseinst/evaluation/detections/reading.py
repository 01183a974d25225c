"""Reads detections that some other program wrote, and names everything that is wrong with them at once.

The codes of the findings are in data/checks/codes.py: JSON-… about the text, DET-… and IMG-/CAT-UNKNOWN about the
fields, SEG-… about the masks. Nothing unchecked reaches pycocotools or hotcoco, which read a damaged RLE beyond its
end. Compressed files are not read: a gzip archive must be unpacked first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sparseinst.data.checks.findings import Finding
from sparseinst.data.checks.local import Local
from sparseinst.data.coco_file.text import Buffer, SyntaxProblem, line_and_column
from sparseinst.errors import EvaluationError
from sparseinst.evaluation.detections.entry import Result, check_entry, quick_result, sound_result
from sparseinst.evaluation.detections.file import DetectionsFile, open_detections
from sparseinst.evaluation.detections.gathered import FINDINGS, Gathered, gather
from sparseinst.evaluation.detections.known import Known, known_ids
from sparseinst.evaluation.detections.twice import repeated
from sparseinst.evaluation.truth import Truth
from sparseinst.log import get_logger
from sparseinst.masks.rle_strings import damaged_rle_strings
from sparseinst.progress import progress

_ENCODE = "Encode the mask again, at the image's size"

log = get_logger("evaluate")


def load_detections(path: Path, truth: Truth, output: Path | None = None) -> list[Result]:
    """Detections from a JSON file of any size: COCO results, or a COCO object whose annotations have scores.

    Each has image_id, category_id, score and segmentation: RLE, compressed or as counts, or polygons, which are drawn.
    Whole numbers may be written as 12.0; scores need not lie in 0 to 1. The ids of a COCO object that lists its images
    and categories are translated by their names.

    Args:
        output: All findings are written to `findings.jsonl` in this folder.

    Returns:
        Objects with image_id, category_id, score (float), segmentation {"size": [height, width], "counts": compressed,
        str} and, where it was written, bbox; in the order of the file. What else was in the file is left out.

    Raises:
        EvaluationError: The file is missing or no such file, or detections do not fit the annotations. All findings are
            collected; the details say of each kind how many there are, and where.
    """
    results: list[Result] = []
    entries, data = 0, open_detections(path)
    with gather(str(path), output) as gathered:
        try:
            file = DetectionsFile(path, data)
            known = known_ids(truth, file.coco)
            for piece in _pieces(path, file):
                results += _read_piece(piece, entries, file.pointer, known, gathered)
                entries += len(piece)
                if gathered.total("error"):
                    results.clear()  # nobody will get them
        except SyntaxProblem as problem:
            gathered.add(_syntax_finding(data, problem))
        else:
            _add_notes(file, results, entries, gathered)
    if gathered.total("error"):
        raise _error(path, truth, entries, gathered, output)
    for note in gathered.summary("note"):
        log.info("%s: %s", path.name, note)
    return results


def _pieces(path: Path, file: DetectionsFile) -> Iterator[list[Any]]:
    with progress("evaluate", f"reading {path.name}", len(file.data), unit="bytes") as advance:
        for entries, length in file.pieces():
            yield entries
            advance(length)


def _read_piece(piece: Sequence[Any], offset: int, pointer: str, known: Known, gathered: Gathered) -> list[Result]:
    """The sound detections of a piece; findings go to `gathered`, in the order of the file."""
    results: list[Result] = []
    places: list[int] = []  # of the results in the piece
    findings: list[tuple[int, Local]] = []
    for number, entry in enumerate(piece):
        result = quick_result(entry, known)
        if result is None:
            found = list(check_entry(entry, known))
            findings += [(number, local) for local in found]
            if any(local.code != "DET-SCORE-RANGE" for local in found):
                continue
            result = sound_result(entry, known)
        results.append(result)
        places.append(number)
    findings += [(places[place], local) for place, local in _damaged(results, known)]
    for number, local in sorted(findings, key=lambda pair: pair[0]):
        gathered.add(local.at(f"{pointer}/{offset + number}"))
    return results


def _damaged(results: Sequence[Result], known: Known) -> Iterator[tuple[int, Local]]:
    """The place of each result whose compressed RLE is none of its image, and a finding."""
    texts = [result["segmentation"]["counts"] for result in results]
    for place, fault in damaged_rle_strings(texts, [known.pixels[result["image_id"]] for result in results]).items():
        if texts[place].startswith(("b'", 'b"')):
            fault = "the counts are Python bytes written as text: decode them to ASCII before json.dump"
        yield place, Local("SEG-RLE-COUNTS", "/segmentation/counts", fault, _ENCODE)


def _add_notes(file: DetectionsFile, results: Sequence[Result], entries: int, gathered: Gathered) -> None:
    if file.has_byte_order_mark:
        fix = "Nothing needs to be done here; other tools may refuse the file: save it as UTF-8 without BOM"
        gathered.add(Finding("JSON-BOM", "", "the file begins with a byte order mark", fix))
    if not entries:
        fix = "Nothing needs to be done, if the model found nothing"
        gathered.add(Finding("DET-NONE", file.pointer, "there are no detections", fix))
    for place, local in repeated(results):
        gathered.add(local.at(f"{file.pointer}/{place}"))


def _syntax_finding(data: Buffer, problem: SyntaxProblem) -> Finding:
    line, column = line_and_column(data, problem.place)
    fix = "Mend the file there, or write it again"
    if problem.code == "JSON-ENCODING":
        fix = "Save it as UTF-8; if it is an archive, unpack it first"
    elif problem.code == "JSON-TYPE":
        fix = "Write COCO results: [{image_id, category_id, score, segmentation}, ...]"
    where = f" (line {line}, column {column}, byte {problem.place})"
    return Finding(problem.code, "", f"{problem.problem}{where}", fix)


def _error(path: Path, truth: Truth, entries: int, gathered: Gathered, output: Path | None) -> EvaluationError:
    count = gathered.total("error")
    findings = "1 finding" if count == 1 else f"{count} findings"
    read = "1 detection" if entries == 1 else f"{entries} detections"
    fix = f"Write detections for the images and categories of {truth.path}."
    return EvaluationError(
        f"{findings} in {read}.",
        where=str(path),
        fix=f"{fix} All findings are in {output / FINDINGS}." if output else fix,
        details=gathered.summary("error"),
    )

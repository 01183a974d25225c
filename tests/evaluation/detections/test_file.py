"""The file as text: kinds that are read and kinds that are not, and where a broken one breaks."""

from __future__ import annotations

import gzip
import json
import zipfile

import numpy as np
import pytest

from sparseinst.errors import EvaluationError
from sparseinst.evaluation.detections import long_list
from sparseinst.evaluation.detections.reading import load_detections
from tests.evaluation.detections.world import COCO, good, read, truth_in


@pytest.fixture
def truth(tmp_path):
    return truth_in(tmp_path)


def finding_of(folder, truth, content):
    """The only one."""
    assert read(folder, truth, content)[0] == []
    (line,) = (folder / "out/findings.jsonl").read_text().splitlines()
    found = json.loads(line)
    return found["code"], found["problem"], found["fix"]


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"", "JSON-SYNTAX", "the file is empty"),
        (b" \n ", "JSON-SYNTAX", "the file is empty"),
        (b"[", "JSON-SYNTAX", "was not written or copied whole (line 1, column 2, byte 1)"),
        (b"3", "JSON-SYNTAX", "neither with '[' nor with '{'"),
        (b"image_id,score\n4,0.5\n", "JSON-SYNTAX", "neither with '[' nor with '{'"),
        (b"[1, 2}", "JSON-SYNTAX", "line 1, column 6"),
        (b"[]]", "JSON-SYNTAX", "Extra data (line 1, column 3"),
        (b"[{}\n,,{}]", "JSON-SYNTAX", "line 2, column 2"),
        (b"{}\n{}\n", "JSON-SYNTAX", "there is more behind the first object"),
        (b"{}", "JSON-TYPE", "the object has no list 'annotations'"),
        (b'{"annotations": {}}', "JSON-TYPE", "the object has no list 'annotations'"),
        (b'{"predictions": []}', "JSON-TYPE", "write the list 'predictions' alone into a file"),
        (b'{"annotations": [], "annotations": []}', "JSON-KEY-TWICE", "the list 'annotations' is there twice"),
        (b"[" * 100_000, "JSON-DEPTH", "lists in lists without end"),
        (b'[{"a": ' * 100_000, "JSON-DEPTH", "lists in lists without end"),
        (b'["\xff"]', "JSON-ENCODING", "not UTF-8"),
        (b"[" + b"9" * 5000 + b"]", "JSON-SYNTAX", "digits"),
        (b"\x80\x02}q\x00.", "JSON-SYNTAX", "neither with '[' nor with '{'"),
        ("[]".encode("utf-16"), "JSON-ENCODING", "UTF-16"),
        ("[]".encode("utf-16-le"), "JSON-ENCODING", "UTF-16"),
        (gzip.compress(b"[]", mtime=0), "JSON-ENCODING", "gzip archive"),
    ],
)
def test_a_file_that_is_no_list_of_detections_is_one_finding(tmp_path, truth, content, code, words):
    found, problem, fix = finding_of(tmp_path, truth, content)
    assert found == code
    assert words in problem
    assert fix


def test_archives_of_other_tools_are_called_archives(tmp_path, truth):
    np.savez(tmp_path / "masks.npz", masks=np.zeros(3))
    with zipfile.ZipFile(tmp_path / "model.pt", "w") as archive:
        archive.writestr("data.pkl", b"0")
    for name in ("masks.npz", "model.pt"):
        code, problem, fix = finding_of(tmp_path, truth, (tmp_path / name).read_bytes())
        assert (code, "zip archive" in problem, "unpack it first" in fix) == ("JSON-ENCODING", True, True)


def test_a_directory_and_nothing_are_an_error_that_writes_nothing(tmp_path, truth):
    for path, words in [(tmp_path, "are a directory"), (tmp_path / "absent.json", "no such file of detections")]:
        with pytest.raises(EvaluationError, match=words) as caught:
            load_detections(path, truth, tmp_path / "out")
        assert caught.value.where == str(path)
    assert not (tmp_path / "out").exists()


def test_wherever_a_file_is_cut_off_it_is_said_that_it_ends_too_early(tmp_path, truth):
    whole = json.dumps([good(), good(score=0.6)]).encode()
    for length in range(1, len(whole), 7):
        code, problem, _ = finding_of(tmp_path, truth, whole[:length])
        assert code == "JSON-SYNTAX"
        assert "the file does not end in ']': it was not written or copied whole (line 1, column " in problem
    whole = json.dumps({"annotations": [good()]}).encode()
    for length in range(1, len(whole), 7):
        assert finding_of(tmp_path, truth, whole[:length])[0] == "JSON-SYNTAX"


def test_findings_before_the_break_are_told_as_well(tmp_path, truth, monkeypatch):
    monkeypatch.setattr(long_list, "_PIECE_BYTES", (100, 400))
    entries = json.dumps([good(), good(image_id=99), *[good()] * 40])
    results, findings = read(tmp_path, truth, entries.encode()[:-100])
    assert results == []
    assert findings == [("IMG-UNKNOWN", "/1/image_id"), ("JSON-SYNTAX", "")]


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("length", [1, 50, 173, 1000])
def test_it_does_not_matter_where_the_list_is_cut(tmp_path, truth, monkeypatch, indent, length):
    monkeypatch.setattr(long_list, "_PIECE_BYTES", (length, 4 * length))
    monkeypatch.setattr(long_list, "_WINDOW_BYTES", 2003)
    odd = {"image_id": 4, "category_id": 2, "score": 0.5, "parts": [{"image_id": 1}, {"image_id": 2}, {"x": "}, {"}]}
    entries = [good(score=n / 50, note='"}, {"image_id": \\" ﬀ', inner=[odd, odd]) for n in range(30)]
    results, findings = read(tmp_path, truth, json.dumps(entries, indent=indent, ensure_ascii=False).encode())
    assert findings == []
    assert results == [good(score=n / 50) for n in range(30)]


def test_a_list_that_never_ends_a_detection_is_not_read_into_memory(tmp_path, truth, monkeypatch):
    monkeypatch.setattr(long_list, "_PIECE_BYTES", (100,))
    monkeypatch.setattr(long_list, "_MOST_BYTES", 2000)
    code, problem, _ = finding_of(tmp_path, truth, b"[" + b"1, " * 1000 + b"1]")
    assert (code, "no entry ends within" in problem) == ("JSON-SYNTAX", True)


def test_a_coco_object_is_read_with_the_places_of_its_list(tmp_path, truth):
    entries = [good(), good(image_id=99), good(score=0.3)]
    content = {"info": {}, "annotations": entries, "licenses": []}
    assert read(tmp_path, truth, content) == ([], [("IMG-UNKNOWN", "/annotations/1/image_id")])
    assert read(tmp_path, truth, {**content, "annotations": [good()]}) == ([good()], [])


def test_the_truth_itself_is_no_file_of_detections(tmp_path, truth):
    assert read(tmp_path, truth, COCO)[1] == [("DET-KEYS", "/annotations/0")]


def test_a_coco_object_that_numbers_its_images_itself_is_translated_by_names(tmp_path, truth):
    images = [{"id": 1, "file_name": "/photos/b.jpg"}, {"id": 2, "file_name": "C:\\photos\\a.jpg"}]
    categories = [{"id": 1, "name": "star"}, {"id": 2, "name": "disc"}]
    content = {"images": images, "categories": categories, "annotations": [good(image_id=2), good(image_id=4)]}
    assert read(tmp_path, truth, content) == ([], [("IMG-UNKNOWN", "/annotations/1/image_id")])
    content["annotations"] = [good(image_id=2), good(image_id=2, category_id=1)]
    assert read(tmp_path, truth, content) == ([good(), good(category_id=0)], [])


def test_names_that_the_annotations_lack_are_told(tmp_path, truth):
    content = {"images": [{"id": 4, "file_name": "z.jpg"}], "categories": [{"id": 2, "name": "moon"}]}
    _, findings = read(tmp_path, truth, {**content, "annotations": [good()]})
    assert sorted(code for code, _ in findings) == ["CAT-UNKNOWN", "IMG-UNKNOWN"]
    text = (tmp_path / "out/findings.jsonl").read_text()
    assert "image 4 is 'z.jpg', which is not in the annotations" in text
    assert "category 2 is 'moon', which is not in the annotations" in text


def test_two_images_of_one_name_are_told_apart_by_their_id_or_not_at_all(tmp_path):
    images = [{"id": n, "file_name": f"{n}/a.jpg", "height": 50, "width": 60} for n in (4, 5)]
    truth = truth_in(tmp_path, {**COCO, "images": images})
    same_id = {"images": [{"id": 4, "file_name": "elsewhere/a.jpg"}], "annotations": [good()]}
    assert read(tmp_path, truth, same_id) == ([good()], [])
    other_id = {"images": [{"id": 1, "file_name": "elsewhere/a.jpg"}], "annotations": [good(image_id=1)]}
    assert read(tmp_path, truth, other_id) == ([], [("IMG-UNKNOWN", "/annotations/0/image_id")])
    exact = {"images": [{"id": 4, "file_name": "5/a.jpg"}], "annotations": [good()]}
    assert read(tmp_path, truth, exact) == ([good(image_id=5)], [])

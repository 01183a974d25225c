"""A large file is read in the memory of what it gives, and a large broken one in hardly any."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sparseinst.masks.coco import mask_to_rle

_SIDE, _COUNT = 256, 40_000

# Run apart, so that its memory can be told from the tests'. Not ru_maxrss, in which the process that started it counts.
MEASURED = r"""
import json, re, sys
from pathlib import Path
from sparseinst.errors import EvaluationError
from sparseinst.evaluation.detections.reading import load_detections
from sparseinst.evaluation.truth import load_truth
def most_mb(): return int(re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024
truth = load_truth(Path(sys.argv[1]))
before, results, error = most_mb(), [], ""
try:
    results = load_detections(Path(sys.argv[2]), truth, Path(sys.argv[3]))
except EvaluationError as caught:
    error = str(caught)
print(json.dumps({"results": len(results), "error": error, "more_mb": most_mb() - before}))
"""


@pytest.fixture
def files(tmp_path: Path):
    image = {"id": 1, "file_name": "a.jpg", "height": _SIDE, "width": _SIDE}
    coco = {"images": [image], "categories": [{"id": 1, "name": "disc"}], "annotations": []}
    (tmp_path / "val.json").write_text(json.dumps(coco))
    yield tmp_path / "val.json", tmp_path / "found.json"
    (tmp_path / "found.json").unlink()


def write(path: Path, image_id: int) -> float:
    """Megabytes of detections in one line, each of a mask of some 3000 letters."""
    texts = [mask_to_rle(np.random.default_rng(seed).random((_SIDE, _SIDE)) < 0.02)["counts"] for seed in range(8)]
    fields = f'"image_id": {image_id}, "category_id": 1, "segmentation": {{"size": [{_SIDE}, {_SIDE}], "counts": '
    with path.open("w") as out:
        for number in range(_COUNT):
            counts = json.dumps(texts[number % 8])
            out.write(f'{", " if number else "["}{{{fields}{counts}}}, "score": {number / _COUNT}}}')
        out.write("]")
    return path.stat().st_size / 2**20


def read_apart(truth: Path, found: Path) -> dict:
    command = [sys.executable, "-c", MEASURED, str(truth), str(found), str(found.parent)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, timeout=300, check=True).stdout)


def test_a_hundred_megabytes_take_little_more_than_themselves_and_what_they_give(files):
    truth, found = files
    size = write(found, image_id=1)
    assert size > 100
    told = read_apart(truth, found)
    assert (told["results"], told["error"]) == (_COUNT, "")
    assert told["more_mb"] < 2.2 * size + 100  # the file's pages, which the system may take back, and the results


def test_a_hundred_megabytes_of_wrong_detections_take_no_memory_beyond_the_file(files):
    truth, found = files
    size = write(found, image_id=2)
    told = read_apart(truth, found)
    assert told["error"].startswith(f"{_COUNT} findings in {_COUNT} detections.")
    assert f"IMG-UNKNOWN x {_COUNT}: /0/image_id" in told["error"]
    assert told["more_mb"] < size + 100
    assert (found.parent / "findings.jsonl").read_bytes().count(b"\n") == _COUNT

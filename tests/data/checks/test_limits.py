"""Files of hundreds of megabytes: one line of annotations, or something that only looks like them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sparseinst.data.checks.file import check_file

SIZE = 200_000_000

# Run apart, so that its memory can be told from the tests'.
MEASURED = r"""
import json, re, sys
from pathlib import Path
from sparseinst.data.checks.file import check_file
checked = check_file(Path(sys.argv[1]), workers=1)
# Not ru_maxrss, in which the process that started this one counts.
most = int(re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024
codes = [finding.code for finding in checked.findings]
print(json.dumps({"codes": sorted(set(codes)), "annotations": checked.entries["annotations"], "rss_mb": most}))
"""


def checked_apart(file: Path) -> dict:
    command = [sys.executable, "-c", MEASURED, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    return json.loads(done.stdout)


@pytest.fixture
def file(tmp_path: Path):
    path = tmp_path / "file.json"
    yield path
    path.unlink()


def test_hundreds_of_megabytes_in_one_line_are_checked_in_little_memory(file: Path):
    """Polygons of many points: nearly half the bytes of COCO's train2017, in few annotations, so that it is quick."""
    outline = [[float(x), 0.0] for x in range(1, 400)] + [[400.0, float(y)] for y in range(1, 400)] + [[0.5, 400.0]]
    segmentation = json.dumps([[value for point in outline for value in point]])
    fields = '"image_id": 1, "category_id": 1, "iscrowd": 0, "area": 159000, "bbox": [0, 0, 400, 400]'
    entry = f', {fields}, "segmentation": {segmentation}}}'
    count = SIZE // len(entry)
    with file.open("w") as out:
        out.write('{"images": [{"id": 1, "file_name": "a.jpg", "height": 400, "width": 401}], ')
        out.write('"categories": [{"id": 1, "name": "disc"}], "annotations": [')
        out.writelines(f'{", " if number else ""}{{"id": {number + 1}{entry}' for number in range(count))
        out.write("]}")
    found = checked_apart(file)
    assert found["annotations"] == count
    assert found["codes"] == ["ANN-TWICE", "IMG-MANY"]
    # 200 of it are the file itself, which the system may take back, and 110 are Python and its packages.
    assert found["rss_mb"] < 420


@pytest.mark.parametrize("filling", [b"0" * 1000, b"[" * 1000, b'\\"' * 500, b"x" * 1000])
def test_a_long_text_in_place_of_a_list_is_refused(filling: bytes, file: Path):
    with file.open("wb") as out:
        out.write(b'{"images": "' + filling * 100_000 + b'"}')
    codes = [finding.code for finding in check_file(file).findings]
    assert codes == ["JSON-SYNTAX"]

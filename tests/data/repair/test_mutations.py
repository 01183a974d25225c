"""Whatever becomes of a good file, repairing it makes it better, or says why not; and never ends in an exception."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparseinst.data.checks.file import Checked, check_file
from sparseinst.data.repair.run import repair_file
from sparseinst.data.repair.table import REPAIRS
from sparseinst.errors import SparseInstError
from tests.data.checks.damage import damaged
from tests.data.checks.zoo import GOOD
from tests.data.repair.replay import diff_of, read, replayed, text

# Findings about the habits of a whole file, which the deletion of one annotation may tip.
_HABITS = {"SEG-ALL-NORMALISED", "SEG-BOXES", "ANN-NONE"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mutations")


@settings(max_examples=150, deadline=None)
@given(st.data(), st.booleans())
def test_a_damaged_file_gets_no_worse_and_the_diff_says_what_became_of_it(
    folder: Path, data: st.DataObject, everything: bool
):
    old, also = folder / "file.json", REPAIRS if everything else ()
    old.write_text(json.dumps(damaged(data)))
    shutil.rmtree(folder / "out", ignore_errors=True)
    before = check_file(old, workers=1)
    try:
        result = repair_file(old, folder / "out", also=also, checked=before)
    except SparseInstError:
        assert any(not finding.pointer for finding in before.findings)
        return
    lines = diff_of(result)
    assert text(read(result.file)) == text(replayed(read(old), lines))
    again = repair_file(result.file, folder / "again", also=also, checked=result.after)
    assert again.changes == {}
    uncovers = any(line["code"] == "JSON-TYPE" and line["pointer"].startswith(("/images", "/cat")) for line in lines)
    if not uncovers:  # masks could not be judged before their image's size was mended
        assert errors(result.after) <= errors(before)


def errors(checked: Checked) -> int:
    found = Counter(f.code for f in checked.findings if f.severity == "error" and f.code not in _HABITS)
    return found.total()


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_bytes_that_were_changed_are_repaired_or_refused(folder: Path, data: st.DataObject):
    content = bytearray(json.dumps(GOOD).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content) - 1))
        new = data.draw(st.binary(max_size=2) | st.sampled_from([b"{", b"]", b'"', b",", b"\\", b"9"]))
        content[at : at + data.draw(st.integers(0, 2))] = new
    (folder / "file.json").write_bytes(bytes(content))
    try:
        result = repair_file(folder / "file.json", folder / "out")
    except SparseInstError:
        return
    assert repair_file(result.file, folder / "again", checked=result.after).changes == {}

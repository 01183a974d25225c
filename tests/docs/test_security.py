"""docs/security.md promises nothing that is not there: every test, file and folder that it names exists."""

import ast
import re
from functools import cache

import pytest

from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text()
_NAMED = re.compile(r"`([\w.\-/]+/[\w.\-/]*?)(?:::(\w+))?`")
_TOP = ("sparseinst/", "components/", "pipelines/", "deploy/", "tests/", "docs/", "benchmarks/")


def rows() -> list[list[str]]:
    """Of all tables of threats: the threat, what stops it, and what tests it."""
    lines = PAGE.splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("| threat |")]
    found = []
    for start in starts:
        for line in lines[start + 2 :]:
            if not line.startswith("|"):
                break
            found.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return found


@cache
def names_in(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def missing(text: str) -> list[str]:
    """What a text names of this repository and what is not there."""
    gone = []
    for path, test in _NAMED.findall(text):
        if not path.startswith(_TOP):
            continue
        place = path.split("*")[0]
        if not (ROOT / place).exists():
            gone.append(path)
        elif test and test not in names_in(path):
            gone.append(f"{path}::{test}")
    return gone


def test_every_test_and_file_that_the_page_names_is_there():
    assert missing(PAGE) == []


def test_every_threat_names_its_protection_and_a_test():
    assert len(rows()) > 30
    for threat, protection, tests in rows():
        named = [path for path, _ in _NAMED.findall(tests)]
        assert protection, threat
        assert named and all(path.startswith("tests/") for path in named), threat


def test_every_part_with_threats_says_what_remains():
    parts = PAGE.split("\n## ")
    assert [part.splitlines()[0] for part in parts if "| threat |" in part and "**What remains.**" not in part] == []


@pytest.mark.parametrize(
    "text", ["`tests/docs/test_gone.py`", "`tests/docs/test_security.py::test_gone`", "`deploy/gone/a.yaml`"]
)
def test_what_is_gone_is_found(text: str):
    assert missing(text) == [text.strip("`")]


def test_links_to_other_pages_lead_somewhere():
    targets = [target.partition("#")[0] for target in re.findall(r"\]\(([^)#:]+[^):]*)\)", PAGE)]
    assert targets
    assert [target for target in targets if not (ROOT / "docs" / target).exists()] == []

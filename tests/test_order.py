"""The tests that take longest are begun first, wherever they lie."""

from tests.conftest import LONGEST, ROOT


def test_every_file_that_is_begun_early_is_there() -> None:
    assert [name for name in LONGEST if not (ROOT / "tests" / name).is_file()] == []

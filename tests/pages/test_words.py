import pytest

from sparseinst.pages.words import counted, joined, number, percent, ratio


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (7, "7"), (118287, "118 287"), (2.5, "2.5"), (1 / 3, "0.333"), (1234.56, "1 235")]
)
def test_numbers_have_a_narrow_space_between_thousands(value, text):
    assert number(value) == text.replace(" ", "\u202f")


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0 %"),
        (1e-4, "< 0.1 %"),
        (0.041, "4.1 %"),
        (0.41, "41 %"),
        (0.994, "99.4 %"),
        (0.9999, "> 99.9 %"),
        (1, "100 %"),
    ],
)
def test_a_share_is_never_rounded_to_nothing_or_to_all(share, text):
    assert percent(share) == text.replace(" ", "\u202f")


def test_ratios_count_from_the_smaller_side():
    assert [ratio(value) for value in (1, 1.5, 0.5, 0.0625)] == ["1:1", "1.5:1", "1:2", "1:16"]


def test_one_thing_is_singular_and_lists_end_with_and():
    assert [counted(1, "class", "classes"), counted(0, "class", "classes")] == ["1 class", "0 classes"]
    assert [joined(["a"]), joined(["a", "b"]), joined(["a", "b", "c"]), joined([])] == [
        "a",
        "a and b",
        "a, b and c",
        "",
    ]

from sparseinst.data.categories import Category
from sparseinst.data.report.classes import about_classes, class_rows, missing_classes
from tests.data.report.example import table

CLASSES = [Category(1, "rare"), Category(2, "none"), Category(3, "often")]


def _split(name, counts):
    return table(name, objects=[(0, kind, False, (0, 0, 2, 2)) for kind, n in counts.items() for _ in range(n)])


def test_bars_compare_shares_so_that_a_small_split_can_be_seen():
    rows = class_rows(CLASSES, [_split("train", {0: 10, 2: 90}), _split("val", {0: 1, 2: 9})])
    assert [(row.name, row.total) for row in rows] == [("often", 99), ("rare", 11), ("none", 0)]
    assert [[bar.linear for bar in row.bars] for row in rows] == [[100, 100], [11.11, 11.11], [0, 0]]
    assert rows[0].bars[0].logarithmic == 100
    assert 11.11 < rows[1].bars[0].logarithmic < 100
    assert rows[2].bars[0].logarithmic == 0


def test_the_imbalance_is_said_in_a_sentence():
    rows = class_rows(CLASSES, [_split("train", {0: 3, 2: 1200})])
    first, half = about_classes(rows)
    assert first.replace("\u202f", " ") == (
        "The most frequent class, often (1 200), has 400 times as many objects as the rarest, rare (3)."
    )
    assert half == "Half of all objects belong to that class."


def test_one_class_and_no_class_have_sentences_of_their_own():
    assert about_classes(class_rows(CLASSES[:1], [_split("train", {0: 3})])) == [
        "All 3 objects are of one class, rare."
    ]
    assert about_classes(class_rows([], [table()])) == ["No class has an object."]


def test_classes_without_objects_are_listed():
    rows = class_rows(CLASSES, [_split("train", {0: 3, 2: 50}), _split("val", {2: 5})])
    assert missing_classes(rows, ["train", "val"]) == [
        ("Without any object: 1 class", ["none"]),
        ("Not in val: 1 class", ["rare"]),
        ("Fewer than 10 objects: 1 class", ["rare"]),
    ]

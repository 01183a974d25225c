from sparseinst.data.categories import Category
from sparseinst.data.report.choice import choose_pictures
from tests.data.report.example import table

CLASSES = [Category(n, f"kind {n}") for n in range(12)]


def _split(classes_of_images):
    objects = [(row, kind, False, (0, 0, 2, 2)) for row, kinds in enumerate(classes_of_images) for kind in kinds]
    return table(sizes=[(9, 9)] * len(classes_of_images), objects=objects)


def test_the_pictures_show_every_class_where_that_is_possible():
    split = _split([[0]] * 30 + [[0, kind] for kind in range(1, 12)] + [[0]] * 30)
    chosen = choose_pictures([split], CLASSES, most=20)
    assert len(chosen) == len(set(chosen)) == 20
    assert {kind for _, row in chosen for kind in split.category[split.image == row].tolist()} == set(range(12))


def test_the_fullest_and_the_emptiest_image_are_among_them():
    split = _split([[0] * count for count in range(60)])
    rows = [row for _, row in choose_pictures([split], CLASSES, most=8)]
    assert {0, 59} <= set(rows)


def test_splits_get_equal_parts_and_what_a_small_one_leaves_goes_to_the_other():
    assert [index for index, _ in choose_pictures([_split([[0]] * 50)] * 2, CLASSES, most=10)] == [0] * 5 + [1] * 5
    small, large = _split([[0]] * 2), _split([[0]] * 50)
    assert [index for index, _ in choose_pictures([large, small], CLASSES, most=10)] == [0] * 8 + [1] * 2


def test_few_images_are_all_shown_and_none_are_none():
    assert sorted(choose_pictures([_split([[0], [1, 1], []])], CLASSES)) == [(0, 0), (0, 1), (0, 2)]
    assert choose_pictures([table(sizes=())], []) == []

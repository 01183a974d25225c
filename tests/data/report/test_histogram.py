import numpy as np

from sparseinst.data.report.facts import about_counts, about_sizes, size_shares
from sparseinst.data.report.histogram import box_ratios, image_ratios, object_sizes, objects_per_image
from tests.data.report.example import table


def _objects(*sides):
    return [(0, 0, False, (0, 0, width, height)) for width, height in sides]


def test_every_object_is_in_one_bin_of_its_size_and_crowd_regions_are_in_none():
    split = table(objects=[*_objects((3, 3), (16, 16), (17, 17), (500, 500)), (0, 0, True, (0, 0, 50, 50))])
    sizes = object_sizes([split])
    held = {label: int(count) for label, count in zip(sizes.labels, sizes.counts[0], strict=True) if count}
    assert held == {"2.83–3.36 px": 1, "16–19 px": 2, "431–512 px": 1}
    assert [text for _, text in sizes.lines] == ["32²", "96²"]


def test_cocos_bounds_are_where_the_axis_says_they_are():
    sizes = object_sizes([table(objects=_objects((32, 32), (96, 96), (256, 256)))])
    (small, _), (large, _) = sizes.lines
    assert sizes.labels[int(small)].startswith("32–")
    assert large - small == 4 * np.log2(3)


def test_an_object_of_32_times_32_pixels_is_medium_and_of_96_times_96_large():
    split = table(objects=_objects((31, 32), (32, 32), (95, 96), (96, 96)))
    assert size_shares(split) == [("small", 0.25), ("medium", 0.5), ("large", 0.25)]


def test_images_without_objects_count_as_images_with_none():
    bins = objects_per_image([table(sizes=[(9, 9)] * 3, objects=[(1, 0, False, (0, 0, 2, 2))] * 2)])
    assert (list(bins.labels), bins.counts[0].tolist(), list(bins.lines)) == (["0", "1", "2"], [2, 0, 1], [])


def test_full_images_bring_the_line_at_100_into_view():
    bins = objects_per_image([table(objects=[(0, 0, False, (0, 0, 2, 2))] * 90)])
    ((place, text),) = bins.lines
    assert text == "100"
    assert bins.labels[int(place) - 1].endswith("–99")


def test_one_very_full_image_does_not_squeeze_all_others_into_one_bin():
    few = [(row, 0, False, (0, 0, 2, 2)) for row in range(200) for _ in range(row % 5)]
    split = table(sizes=[(9, 9)] * 201, objects=few + [(200, 0, False, (0, 0, 2, 2))] * 3000)
    bins = objects_per_image([split])
    assert bins.counts[0][:5].tolist() == [40] * 5
    assert (bins.labels[-1].endswith(" or more"), bins.counts[0][-1]) == (True, 1)
    assert "1 image has more than the 100" in about_counts(split)


def test_a_square_is_in_the_middle_and_extremes_are_in_the_bars_at_the_ends():
    bins = box_ratios([table(objects=_objects((10, 10), (101, 100), (1, 90), (90, 1)))])
    middle = len(bins.labels) // 2
    assert (bins.counts[0][0], bins.counts[0][middle], bins.counts[0][-1], bins.counts[0].sum()) == (1, 2, 1, 4)
    assert bins.labels[0].endswith("or narrower")
    assert bins.labels[-1].endswith("or wider")


def test_splits_share_the_bins():
    wide, tall = table(sizes=[(100, 300)]), table(sizes=[(300, 100)])
    bins = image_ratios([wide, tall])
    first, second = bins.counts
    assert first.tolist() == second[::-1].tolist()


def test_without_objects_there_is_nothing_to_draw():
    nothing = table(sizes=())
    assert [make([nothing]) for make in (object_sizes, objects_per_image, image_ratios, box_ratios)] == [None] * 4
    assert (about_sizes(nothing), about_counts(nothing)) == ("no objects.", "no images.")

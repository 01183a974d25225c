import numpy as np

from sparseinst.data.report.places import CELLS, coverage, image_sizes
from tests.data.report.example import table


def test_the_heat_map_counts_the_boxes_over_each_cell():
    left_half, whole, crowd = (0, 0, 30, 40), (0, 0, 60, 40), (0, 0, 60, 40)
    share = coverage(table(objects=[(0, 0, False, left_half), (0, 0, False, whole), (0, 0, True, crowd)]))
    assert share.shape == (CELLS, CELLS)
    assert (share[:, : CELLS // 2] == 1).all()
    assert (share[:, CELLS // 2 :] == 0.5).all()


def test_rows_of_the_heat_map_run_from_top_to_bottom():
    share = coverage(table(objects=[(0, 0, False, (20, 0, 1, 1))]))
    rows, columns = np.nonzero(share)
    assert (rows.max(), columns.min()) == (0, 20 * CELLS // 60)


def test_boxes_that_leave_the_image_or_have_no_side_stay_within_the_map():
    share = coverage(table(objects=[(0, 0, False, (-9, -9, 900, 900)), (0, 0, False, (60, 40, 0, 0))]))
    assert (share.min(), share[-1, -1]) == (0.5, 1)
    assert not coverage(table()).any()


def test_sizes_are_counted_for_each_split_the_most_frequent_first():
    sizes, step = image_sizes([table(sizes=[(48, 64), (50, 50), (48, 64)]), table(sizes=[(48, 64)])])
    assert (sizes, step) == ([(64, 48, (2, 1)), (50, 50, (1, 0))], 1)


def test_too_many_sizes_to_draw_are_rounded():
    sizes, step = image_sizes([table(sizes=[(100 + n, 600 - n % 37) for n in range(400)])])
    assert step > 1
    assert len(sizes) <= 250
    assert sum(size.counts[0] for size in sizes) == 400
    assert all(size.width % step == size.height % step == 0 for size in sizes)

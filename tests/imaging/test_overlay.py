import numpy as np

from sparseinst.data.categories import Category
from sparseinst.evaluation.instances import Instances
from sparseinst.imaging.overlay import draw
from sparseinst.imaging.palette import colour, ink_on
from sparseinst.imaging.sheet import captioned, contact_sheet, side_by_side

CATEGORIES = [Category(1, "disc"), Category(7, "näher, ein sehr langer Name " * 10)]
GREY = np.full((480, 640, 3), 128, np.uint8)


def instances(*boxes: tuple[int, int, int, int], shape=(480, 640)) -> Instances:
    """One rectangular instance for each (top, left, bottom, right)."""
    masks = np.zeros((len(boxes), *shape), bool)
    for mask, (top, left, bottom, right) in zip(masks, boxes, strict=True):
        mask[top:bottom, left:right] = True
    scores = np.linspace(0.9, 0.3, len(boxes), dtype=np.float32)
    return Instances(scores, np.zeros(len(boxes), np.int64), masks)


def test_objects_are_coloured_and_the_rest_of_the_image_is_left_alone():
    before = GREY.copy()
    picture = draw(GREY, instances((100, 100, 300, 300)), CATEGORIES)
    assert picture.shape == GREY.shape
    np.testing.assert_array_equal(GREY, before)
    assert (picture[350:, 350:] == 128).all()
    red, _, blue = picture[120, 120].astype(int)
    assert red > 150 > 110 > blue  # the first colour is a warm red
    assert not (picture[150:250, 150:250] == picture[120, 120]).all()  # the label lies inside


def test_an_image_without_objects_is_only_copied():
    picture = draw(GREY, instances(), CATEGORIES)
    np.testing.assert_array_equal(picture, GREY)
    assert picture is not GREY


def test_small_images_are_enlarged_so_that_labels_stay_readable():
    picture = draw(np.zeros((48, 96, 3), np.uint8), instances((10, 10, 30, 40), shape=(48, 96)), CATEGORIES)
    assert picture.shape == (240, 480, 3)
    assert picture[100, 100].any()
    assert not picture[200, 400].any()


def test_masks_that_cover_nothing_one_pixel_or_everything_can_be_drawn():
    found = instances((0, 0, 0, 0), (5, 5, 6, 6), (0, 0, 480, 640))
    draw(GREY, found, CATEGORIES)
    draw(GREY[:1, :1], instances((0, 0, 1, 1), shape=(1, 1)), CATEGORIES)


def test_long_and_foreign_names_and_a_hundred_objects_do_not_break_the_drawing():
    boxes = [(4 * i, 6 * i, 4 * i + 40, 6 * i + 40) for i in range(100)]
    found = instances(*boxes)
    draw(GREY, Instances(found.scores, found.classes + 1, found.masks), CATEGORIES)


def test_a_hundred_objects_have_a_hundred_colours_and_labels_contrast_with_them():
    colours = [colour(index) for index in range(100)]
    assert len(set(colours)) == 100
    for background in colours:
        assert abs(np.dot(np.subtract(background, ink_on(background)), [0.299, 0.587, 0.114])) > 75


def test_truth_stands_left_of_the_prediction_under_captions():
    black, white = np.zeros((100, 200, 3), np.uint8), np.full((100, 200, 3), 255, np.uint8)
    pair = side_by_side(black, "truth", white, "prediction")
    assert pair.shape[1] > 400
    assert not pair[-50, 100].any()
    assert (pair[-50, -100] == 255).all()
    assert captioned(black, "truth").shape[0] == pair.shape[0]


def test_a_sheet_holds_pictures_of_any_shapes_in_rows():
    pictures = [np.zeros((h, w, 3), np.uint8) for h, w in ((100, 200), (3000, 100), (20, 900))]
    sheet = contact_sheet(pictures, columns=2, width=300)
    assert sheet.shape[1] == 12 + 2 * (300 + 12)
    assert sheet.shape[0] < 3000
    assert contact_sheet(pictures[:1]).shape[1] == 12 + 960 + 12

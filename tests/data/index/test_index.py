"""An index says exactly what its annotation file says, and follows the file when that changes."""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import shutil
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sparseinst.data.index.index import Index
from sparseinst.data.index.opening import open_index
from sparseinst.errors import DatasetError

TRIANGLE = [1.25, 2, 9.5, 2, 5, 7.75]
SQUARE = [0, 0, 4, 0, 4, 4, 0, 4]
HOLED = {"size": [6, 4], "counts": [0, 5, 2, 9, 8]}


def coco(**changes: Any) -> dict[str, Any]:
    """Three images, the second without objects; their annotations are mixed, and ids have gaps."""
    return {
        "images": [
            {"id": 70, "file_name": "train/a.jpg", "height": 6, "width": 4},
            {"id": 5, "file_name": "train/näher.png", "height": 20, "width": 30},
            {"id": 90000000000, "file_name": "c.jpg", "height": 10, "width": 12, "licence": 3},
        ],
        "annotations": [
            {"id": 3, "image_id": 90000000000, "category_id": 9, "segmentation": [TRIANGLE, SQUARE], "iscrowd": 0},
            {"id": 1, "image_id": 70, "category_id": 2, "segmentation": HOLED, "iscrowd": 1},
            {"id": 2, "image_id": 90000000000, "category_id": 2, "segmentation": [SQUARE]},
            {"id": 8, "image_id": 70, "category_id": 9, "segmentation": {"size": [6, 4], "counts": "052N5"}},
            {"id": 9, "image_id": 90000000000, "category_id": 2, "segmentation": []},
        ],
        "categories": [{"id": 9, "name": "disc"}, {"id": 2, "name": "näher"}],
        **changes,
    }


def written(folder: Path, content: Any) -> Path:
    path = folder / "train.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def as_lists(segmentation: Any) -> Any:
    return segmentation if isinstance(segmentation, dict) else [part.tolist() for part in segmentation]


def test_everything_comes_back_by_image_in_the_files_order(tmp_path: Path) -> None:
    index = open_index(written(tmp_path, coco()))
    assert [(category.id, category.name) for category in index.categories] == [(2, "näher"), (9, "disc")]
    assert [tuple(index.image(row)) for row in range(len(index))] == [
        (70, "train/a.jpg", 6, 4),
        (5, "train/näher.png", 20, 30),
        (90000000000, "c.jpg", 10, 12),
    ]
    found = [[(o.category, o.is_crowd, as_lists(o.segmentation)) for o in index.objects(row)] for row in range(3)]
    assert found[0] == [(0, True, HOLED), (1, False, {"size": [6, 4], "counts": "052N5"})]
    assert found[1] == []
    assert found[2] == [(1, False, [TRIANGLE, SQUARE]), (0, False, [SQUARE]), (0, False, [])]
    assert as_lists(index.segmentation(0)) == HOLED
    assert as_lists(index.segmentation(2)) == [TRIANGLE, SQUARE]
    assert index.column("count").tolist() == [2, 0, 3]
    assert index.column("objects").tolist() == [1, 0, 3]


numbers = st.one_of(st.integers(-(2**40), 2**40), st.floats(allow_nan=False, allow_infinity=False))
parts = st.lists(numbers, min_size=3, max_size=9).flatmap(lambda xs: st.just([value for x in xs for value in (x, -x)]))
runs = st.lists(st.integers(0, 2**31), max_size=9)
segmentations = st.one_of(st.lists(parts, max_size=4), runs.map(lambda counts: {"size": [6, 4], "counts": counts}))


@given(st.lists(st.tuples(st.sampled_from([70, 5]), segmentations), max_size=12))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_segmentation_comes_back_as_it_was(tmp_path: Path, drawn: list[tuple[int, Any]]) -> None:
    images = [{"id": number, "file_name": "a", "height": 6, "width": 4} for number in (70, 5)]
    annotations = [
        {"id": number, "image_id": image, "category_id": 2, "segmentation": segmentation}
        for number, (image, segmentation) in enumerate(drawn)
    ]
    path = written(tmp_path, coco(images=images, annotations=annotations))
    shutil.rmtree(tmp_path / ".train.index", ignore_errors=True)
    index = open_index(path)
    for row, image in enumerate((70, 5)):
        wanted = [segmentation for drawn_image, segmentation in drawn if drawn_image == image]
        assert [as_lists(found.segmentation) for found in index.objects(row)] == wanted


def test_real_annotations_come_back_exactly(shared: Path, tmp_path: Path) -> None:
    for name in ("coco2017-mini/annotations/instances_train2017.json", "nuclei/annotations/instances_train.json"):
        content = json.loads((shared / "data" / name).read_text())
        index = open_index(written(tmp_path, content))
        rank = {category.id: place for place, category in enumerate(index.categories)}
        for row, image in enumerate(content["images"]):
            assert index.image(row).file_name == image["file_name"]
            wanted = [a for a in content["annotations"] if a["image_id"] == image["id"]]
            found = index.objects(row)
            assert [as_lists(o.segmentation) for o in found] == [a["segmentation"] for a in wanted]
            assert [o.category for o in found] == [rank[a["category_id"]] for a in wanted]
            assert [o.is_crowd for o in found] == [bool(a["iscrowd"]) for a in wanted]


def test_an_index_is_built_once_and_again_when_the_file_changes(tmp_path: Path) -> None:
    path = written(tmp_path, coco())
    first = open_index(path)
    made = (first.folder / "words.npy").stat().st_ino
    assert first.folder == tmp_path / ".train.index"
    assert (open_index(path).folder / "words.npy").stat().st_ino == made
    changed = coco(annotations=coco()["annotations"][:1])
    assert open_index(written(tmp_path, changed)).header.annotations == 1
    assert len(first.objects(0)) == 2  # who has the old one open still reads the old one


def test_a_damaged_index_is_built_anew(tmp_path: Path) -> None:
    path = written(tmp_path, coco())
    folder = open_index(path).folder
    for name in ("words.npy", "images.npy", "annotations.npy", "names.npy", "header.json"):
        content = (folder / name).read_bytes()
        for damaged in (content[:-1], content[:30], b""):
            (folder / name).write_bytes(damaged)
            assert len(open_index(path).objects(2)) == 3
    (folder / "names.npy").unlink()
    assert open_index(path).image(2).file_name == "c.jpg"


def test_a_pickled_index_is_a_path(tmp_path: Path) -> None:
    index = open_index(written(tmp_path, coco()))
    content = pickle.dumps(index)
    assert len(content) < 500
    assert pickle.loads(content).image(2) == index.image(2)


def _open_and_count(path: Path, answers: Any) -> None:
    answers.put(open_index(path).header.annotations)


def test_processes_that_open_it_together_all_get_it(tmp_path: Path) -> None:
    path = written(tmp_path, coco())
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    processes = [context.Process(target=_open_and_count, args=(path, answers)) for _ in range(4)]
    for process in processes:
        process.start()
    assert [answers.get(timeout=60) for _ in processes] == [5] * 4
    for process in processes:
        process.join()
    assert sorted(file.name for file in tmp_path.iterdir() if file.suffix != ".lock") == [".train.index", "train.json"]


def test_where_the_folder_is_not_ours_the_cache_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARSEINST_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anywhere, so that a mode would prove nothing
    (tmp_path / "data").mkdir()
    index = open_index(written(tmp_path / "data", coco()))
    assert index.folder.is_relative_to(tmp_path / "cache")
    assert [file.name for file in (tmp_path / "data").iterdir()] == ["train.json"]
    assert open_index(tmp_path / "data/train.json").folder == index.folder


def without(entry: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name != key}


IMAGE, ANNOTATION = coco()["images"][0], coco()["annotations"][2]


@pytest.mark.parametrize(
    "changes",
    [
        {"annotations": [without(ANNOTATION, "category_id")]},
        {"annotations": [without(ANNOTATION, "segmentation")]},
        {"annotations": [{**ANNOTATION, "category_id": 3}]},
        {"annotations": [{**ANNOTATION, "image_id": 71}]},
        {"annotations": [{**ANNOTATION, "image_id": "70"}]},
        {"annotations": [{**ANNOTATION, "image_id": 10**30}]},
        {"annotations": [{**ANNOTATION, "segmentation": [[1, 2, 3, 4]]}]},
        {"annotations": [{**ANNOTATION, "segmentation": [[1, 2, 3, 4, 5, 6, 7]]}]},
        {"annotations": [{**ANNOTATION, "segmentation": [["a"] * 6]}]},
        {"annotations": [{**ANNOTATION, "segmentation": [7]}]},
        {"annotations": [{**ANNOTATION, "segmentation": None}]},
        {"annotations": [{**ANNOTATION, "segmentation": {"size": [1, 1], "counts": "01"}}]},
        {"annotations": [{**ANNOTATION, "segmentation": {"size": [10, 12]}}]},
        {"annotations": [7]},
        {"images": [without(IMAGE, "height")]},
        {"images": [{**IMAGE, "file_name": 7}]},
        {"images": [IMAGE, IMAGE]},
        {"categories": [{"id": 9}]},
        {"categories": [{"id": 9, "name": "a"}, {"id": 9, "name": "b"}]},
    ],
)
def test_a_file_that_is_no_coco_file_is_an_error_with_a_fix_and_leaves_no_index(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    path = written(tmp_path, coco(**changes))
    with pytest.raises(DatasetError) as caught:
        open_index(path)
    assert caught.value.fix and str(path) in caught.value.where
    assert not (tmp_path / ".train.index").exists()


def test_a_missing_file_or_no_json_is_an_error_with_a_fix(tmp_path: Path) -> None:
    with pytest.raises(DatasetError) as caught:
        open_index(tmp_path / "train.json")
    assert caught.value.fix
    (tmp_path / "train.json").write_text('{"images": [')
    with pytest.raises(DatasetError) as caught:
        open_index(tmp_path / "train.json")
    assert caught.value.fix


def test_a_file_without_images_has_an_index_without_images(tmp_path: Path) -> None:
    index = open_index(written(tmp_path, {"images": [], "annotations": [], "categories": []}))
    assert len(index) == 0 and index.categories == []
    assert index.column("objects").tolist() == []


def test_rows_that_are_not_there_cannot_be_read(tmp_path: Path) -> None:
    index = open_index(written(tmp_path, coco()))
    for ask in (lambda: index.image(3), lambda: index.objects(3), lambda: index.segmentation(5)):
        with pytest.raises(IndexError):
            ask()


def test_forked_processes_read_beside_each_other(tmp_path: Path) -> None:
    index: Index = open_index(written(tmp_path, coco()))
    with ProcessPoolExecutor(2, multiprocessing.get_context("fork"), _share, (index,)) as pool:
        found = list(pool.map(_first_coordinate, [2] * 200))
    assert found == [1.25] * 200


def _share(index: Index) -> None:
    global shared_index
    shared_index = index


def _first_coordinate(row: int) -> float:
    segmentation = shared_index.objects(row)[0].segmentation
    assert not isinstance(segmentation, dict)
    return float(np.asarray(segmentation[0])[0])

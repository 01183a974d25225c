"""Ingestion makes a whole dataset directory, or none and an error that says what was looked for."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from sparseinst.data.coco import load_coco
from sparseinst.data.ingest import IngestSettings, ingest, settings_from
from sparseinst.data.sample.write import write_sample
from sparseinst.data.shaping.config import ShapeConfig
from sparseinst.errors import ConfigError, DatasetError, StorageError
from sparseinst.manifest import read_manifest


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder, train=20, val=5, seed=0)
    return folder


@pytest.fixture
def source(sample: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sample, tmp_path / "source"))


def edit(file: Path, **changes: object) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("."))


def test_the_sample_is_drawn_and_described(tmp_path: Path):
    result = ingest("sample", tmp_path / "data", IngestSettings(train_images=20, val_images=5, seed=4))
    assert result.location == tmp_path / "data"
    assert read_manifest(tmp_path / "data") == result.manifest
    facts = result.manifest["facts"]
    assert facts["categories"] == ["disc", "triangle", "cross", "ring"]
    for split, count in (("train", 20), ("val", 5)):
        content = load_coco(tmp_path / "data" / "annotations" / f"{split}.json", tmp_path / "data" / "images")
        crowds = sum(annotation["iscrowd"] for annotation in content["annotations"])
        assert facts[split] == {
            "images": count,
            "instances": len(content["annotations"]),
            "crowds": crowds,
        }


def test_the_same_content_has_the_same_id_wherever_it_comes_from(source: Path, tmp_path: Path):
    drawn = ingest("sample", tmp_path / "drawn", IngestSettings(train_images=20, val_images=5, seed=0))
    again = ingest("sample", tmp_path / "drawn", IngestSettings(train_images=20, val_images=5, seed=0))
    brought = ingest(str(source), tmp_path / "brought")
    other = ingest("sample", tmp_path / "other", IngestSettings(train_images=20, val_images=5, seed=1))
    assert drawn.manifest["id"] == again.manifest["id"] == brought.manifest["id"]
    assert other.manifest["id"] != drawn.manifest["id"]
    assert leftovers(tmp_path) == []


def test_images_are_found_however_the_tool_laid_them_out(sample: Path, tmp_path: Path):
    """COCO's own layout, with names that say nothing of the folder; the same name may occur in both splits."""
    root = tmp_path / "deep" / "coco"
    (root / "annotations").mkdir(parents=True)
    for split in ("train", "val"):
        shutil.copytree(sample / "images" / split, root / f"{split}2017")
        content = json.loads((sample / "annotations" / f"{split}.json").read_text())
        for image in content["images"]:
            image["file_name"] = image["file_name"].removeprefix(f"{split}/")
        (root / "annotations" / f"instances_{split}2017.json").write_text(json.dumps(content))
    result = ingest(str(tmp_path / "deep"), tmp_path / "data")
    for split in ("train", "val"):
        for path in (sample / "images" / split).iterdir():
            assert (result.location / "images" / split / path.name).read_bytes() == path.read_bytes()
        load_coco(result.location / "annotations" / f"{split}.json", result.location / "images")


def test_a_file_name_cannot_lead_out_of_the_dataset_directory(source: Path, tmp_path: Path):
    train = source / "annotations" / "train.json"
    images = json.loads(train.read_text())["images"]
    images[0]["file_name"] = "../../images/train/000000.jpg"
    images[1]["file_name"] = "/images/train/000001.jpg"
    edit(train, images=images)
    result = ingest(str(source), tmp_path / "data")
    names = [entry["file_name"] for entry in load_coco(result.location / "annotations" / "train.json")["images"]]
    assert names[:2] == ["train/images/train/000000.jpg", "train/images/train/000001.jpg"]
    assert all((result.location / "images" / name).is_file() for name in names)


def test_what_evaluation_needs_is_added_where_a_tool_left_it_out(source: Path, tmp_path: Path):
    original = json.loads((source / "annotations" / "val.json").read_text())["annotations"]
    bare = [
        {key: value for key, value in entry.items() if key not in ("area", "bbox") and (key != "iscrowd" or value)}
        for entry in original
    ]
    edit(source / "annotations" / "val.json", annotations=bare)
    result = ingest(str(source), tmp_path / "data")
    completed = load_coco(result.location / "annotations" / "val.json")["annotations"]
    assert completed == original


def test_a_local_image_is_not_copied_where_the_file_system_can_link(source: Path, tmp_path: Path):
    result = ingest(str(source), tmp_path / "data")
    assert os.path.samefile(source / "images/val/000000.jpg", result.location / "images/val/000000.jpg")


def test_an_output_inside_the_source_is_not_taken_for_data(source: Path):
    first = ingest(str(source), source / "runs" / "data")
    second = ingest(str(source), source / "runs" / "data")
    assert first.manifest["id"] == second.manifest["id"]


def test_a_folder_that_is_no_dataset_is_never_replaced(source: Path, tmp_path: Path):
    precious = tmp_path / "home"
    precious.mkdir()
    (precious / "thesis.txt").write_text("years")
    with pytest.raises(DatasetError, match="no dataset directory"):
        ingest(str(source), precious)
    with pytest.raises(DatasetError):
        ingest(str(source), source)
    assert (precious / "thesis.txt").read_text() == "years"
    assert (source / "annotations" / "train.json").is_file()


def test_a_missing_directory_is_named(tmp_path: Path):
    with pytest.raises(DatasetError, match="no such directory") as caught:
        ingest(str(tmp_path / "nowhere"), tmp_path / "data")
    assert "nowhere" in caught.value.where
    (tmp_path / "nowhere.dvc").touch()
    with pytest.raises(DatasetError) as caught:
        ingest(str(tmp_path / "nowhere"), tmp_path / "data")
    assert "dvc pull" in caught.value.fix
    assert not (tmp_path / "data").exists()


def test_a_source_of_an_unknown_kind_is_refused(tmp_path: Path):
    with pytest.raises(StorageError, match="ftp://"):
        ingest("ftp://host/data", tmp_path / "data")


def test_a_directory_without_annotations_says_what_was_looked_for(tmp_path: Path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "labels.json").write_text("{}")
    (tmp_path / "empty" / "colours.json").write_text("{}")
    with pytest.raises(DatasetError, match="no annotations for train and val") as caught:
        ingest(str(tmp_path / "empty"), tmp_path / "data")
    assert "annotations/train.json" in str(caught.value)
    assert "labels.json" in str(caught.value)


def test_a_data_set_without_val_is_refused_with_what_to_do(source: Path, tmp_path: Path):
    (source / "annotations" / "val.json").unlink()
    with pytest.raises(DatasetError, match="val") as caught:
        ingest(str(source), tmp_path / "data")
    assert "annotations/val.json" in caught.value.fix


def test_several_annotation_files_of_a_split_become_one(source: Path, tmp_path: Path):
    train = source / "annotations" / "train.json"
    content = json.loads(train.read_text())
    whole = ingest(str(source), tmp_path / "whole").manifest["facts"]["train"]
    half = len(content["images"]) // 2
    ids = {image["id"] for image in content["images"][:half]}
    for name, images in (("train", content["images"][:half]), ("instances_train_2", content["images"][half:])):
        own = {image["id"]: number for number, image in enumerate(images, 1)}  # both count from 1
        part = {
            **content,
            "images": [{**image, "id": own[image["id"]]} for image in images],
            "annotations": [
                {**entry, "id": number, "image_id": own[entry["image_id"]]}
                for number, entry in enumerate(
                    [entry for entry in content["annotations"] if (entry["image_id"] in ids) == (name == "train")], 1
                )
            ],
        }
        (source / "annotations" / f"{name}.json").write_text(json.dumps(part))
    result = ingest(str(source), tmp_path / "joined")
    assert result.manifest["facts"]["train"] == whole
    joined = load_coco(result.location / "annotations" / "train.json", result.location / "images")
    shown = {image["id"]: image["file_name"] for image in joined["images"]}
    before = {image["id"]: image["file_name"] for image in content["images"]}
    key = [(shown[entry["image_id"]], entry["area"], tuple(entry["bbox"])) for entry in joined["annotations"]]
    assert sorted(key) == sorted(
        (before[entry["image_id"]], entry["area"], tuple(entry["bbox"])) for entry in content["annotations"]
    )


def test_findings_of_both_splits_come_in_one_error_and_nothing_is_left(source: Path, tmp_path: Path):
    (source / "images" / "train" / "000003.jpg").unlink()
    annotations = json.loads((source / "annotations" / "val.json").read_text())["annotations"]
    annotations[0]["image_id"] = 999
    edit(source / "annotations" / "val.json", annotations=annotations)
    with pytest.raises(DatasetError, match="2 findings") as caught:
        ingest(str(source), tmp_path / "data")
    # The val image of the same name is no stand-in for the lost one: its folder says so.
    assert "annotations/train.json#/images/3/file_name" in str(caught.value)
    assert "annotations/val.json#/annotations/0/image_id" in str(caught.value)
    assert not (tmp_path / "data").exists()
    assert leftovers(tmp_path) == []


def test_an_older_dataset_stays_when_the_new_one_fails(source: Path, tmp_path: Path):
    before = ingest(str(source), tmp_path / "data").manifest["id"]
    (source / "annotations" / "train.json").write_text("{")
    with pytest.raises(DatasetError, match="JSON-SYNTAX"):
        ingest(str(source), tmp_path / "data")
    assert read_manifest(tmp_path / "data")["id"] == before


def test_the_categories_of_train_and_val_are_joined_and_must_not_contradict(source: Path, tmp_path: Path):
    categories = json.loads((source / "annotations" / "val.json").read_text())["categories"]
    edit(source / "annotations" / "val.json", categories=[*categories, {"id": 11, "name": "star"}])
    result = ingest(str(source), tmp_path / "data")  # a class that only one file lists is taken over
    assert result.manifest["facts"]["categories"][-1] == "star"
    for split in ("train", "val"):
        written = json.loads((result.location / "annotations" / f"{split}.json").read_text())["categories"]
        assert {"id": 11, "name": "star"} in written
    categories[0]["name"] = "star"
    edit(source / "annotations" / "val.json", categories=categories)
    with pytest.raises(DatasetError, match="CAT-SPLIT"):
        ingest(str(source), tmp_path / "data")


@pytest.mark.parametrize(
    ("name", "images"), [("coco2017-mini", (208, 80)), ("balloon", (61, 13)), ("nuclei", (120, 40))]
)
def test_real_data_is_brought_in(name: str, images: tuple[int, int], shared: Path, tmp_path: Path):
    result = ingest(str(shared / "data" / name), tmp_path / "data")
    assert (result.manifest["facts"]["train"]["images"], result.manifest["facts"]["val"]["images"]) == images


def test_what_can_be_mended_is_mended_on_the_way_and_the_source_stays(source: Path, tmp_path: Path):
    train = source / "annotations" / "train.json"
    annotations = json.loads(train.read_text())["annotations"]
    annotations[0]["segmentation"] = []
    annotations[1]["id"] = annotations[2]["id"]
    edit(train, annotations=annotations)
    before = train.read_bytes()
    with pytest.raises(DatasetError, match="2 findings"):
        ingest(str(source), tmp_path / "data")
    result = ingest(str(source), tmp_path / "data", IngestSettings(repair=True))
    assert train.read_bytes() == before
    written = load_coco(result.location / "annotations" / "train.json")["annotations"]
    assert len(written) == len(annotations) - 1
    assert len({entry["id"] for entry in written}) == len(written)
    assert result.manifest["settings"] == {"repair": True}


def test_one_file_for_everything_is_split(source: Path, tmp_path: Path):
    contents = {split: json.loads((source / "annotations" / f"{split}.json").read_text()) for split in ("train", "val")}
    images = contents["train"]["images"]
    shutil.rmtree(source / "annotations")
    shutil.rmtree(source / "images" / "val")
    (source / "images" / "train").rename(source / "images" / "pictures")
    for image in images:
        image["file_name"] = Path(image["file_name"]).name
    (source / "result.json").write_text(json.dumps(contents["train"]))
    with pytest.raises(DatasetError, match="no annotations for val") as caught:
        ingest(str(source), tmp_path / "data")
    assert "--val-share" in caught.value.fix
    result = ingest(str(source), tmp_path / "data", IngestSettings(shape=ShapeConfig(val_share=0.25)))
    facts = result.manifest["facts"]
    assert (facts["train"]["images"], facts["val"]["images"]) == (15, 5)
    for split in ("train", "val"):
        load_coco(result.location / "annotations" / f"{split}.json", result.location / "images")


def test_strict_refuses_warnings(source: Path, tmp_path: Path):
    shutil.copy(source / "images" / "train" / "000001.jpg", source / "images" / "val" / "000001.jpg")
    sizes = {"train": 1, "val": 1}
    for split in sizes:
        content = json.loads((source / "annotations" / f"{split}.json").read_text())
        sizes[split] = (content["images"][1]["height"], content["images"][1]["width"])
    if sizes["train"] != sizes["val"]:
        pytest.fail("choose another image: this one is of another size")
    result = ingest(str(source), tmp_path / "data")
    assert result.manifest["facts"]["findings"]["warning"] == 1
    with pytest.raises(DatasetError, match="IMG-LEAK"):
        ingest(str(source), tmp_path / "strict", IngestSettings(strict=True))


def test_settings_come_from_plain_values_too():
    settings = settings_from({"drop": ["disc"], "val_share": 0.1, "strict": True}, version="md5:1")
    assert settings == IngestSettings(shape=ShapeConfig(drop=("disc",), val_share=0.1), strict=True, version="md5:1")
    with pytest.raises(ConfigError, match="val_shere"):
        settings_from({"val_shere": 0.1})

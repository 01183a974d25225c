"""Every change in the chain, and every gap, is found and named."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest

from sparseinst.errors import LineageError
from sparseinst.files import sha256_of_file, sha256_of_json
from sparseinst.lineage.tell import tree
from sparseinst.lineage.trace import trace
from sparseinst.manifest import read_manifest, write_manifest


def chain_files(run: Path, models: Path) -> list[Path]:
    """Every file that some manifest of the chain names, and the manifests."""
    folders = [run / name for name in ("dataset", "train", "evaluate", "gate", "export")] + [models / "m" / "1"]
    named = [folder / name for folder in folders for name in read_manifest(folder)["files"]]
    return [*named, *(folder / "manifest.json" for folder in folders)]


def is_in_made_or_source(text: str, place: int) -> bool:
    """Whether a byte of a manifest tells when and where it was made: no part of the id, but of the seal."""
    manifest = json.loads(text)
    if "seal" in manifest:
        return False
    for part in ("made", "source"):
        start = text.find(f'\n  "{part}": ')
        if start >= 0 and start < place < text.index("\n  }", start) + 4:
            return True
    return False


def test_a_change_of_any_byte_of_any_file_is_found(models: Path, run: Path):
    choose = random.Random(0)
    for file in chain_files(run, models):
        before = file.read_bytes()
        for place in {0, len(before) - 1, *(choose.randrange(len(before)) for _ in range(6))}:
            if file.name == "manifest.json" and is_in_made_or_source(before.decode(), place):
                continue
            file.write_bytes(before[:place] + bytes([before[place] ^ 1]) + before[place + 1 :])
            found = problems_from(models, run)
            assert found, f"byte {place} of {file}"
            assert any(file.name in problem or file.parent.name in problem for problem in found), found
            file.write_bytes(before)
    assert problems_from(models, run) == []


def test_a_change_of_any_byte_of_a_manifest_is_found(models: Path, run: Path):
    file = run / "dataset" / "manifest.json"
    before = file.read_bytes()
    places = [place for place in range(len(before)) if not is_in_made_or_source(before.decode(), place)]
    for place in places[::2]:
        file.write_bytes(before[:place] + bytes([before[place] ^ 1]) + before[place + 1 :])
        assert trace(str(models / "m" / "1"), search=[run], with_files=False).problems(), before[place - 9 : place + 9]
    assert len(places) > 400


def problems_from(models: Path, run: Path) -> list[str]:
    try:
        return trace(str(models / "m" / "1"), search=[run]).problems()
    except LineageError as error:  # the manifest that the search begins with cannot be read
        return [f"{error.where}: {error.problem}"]


def test_a_file_of_the_chain_that_is_gone_is_missing(models: Path, run: Path):
    for file in chain_files(run, models):
        if file.name == "manifest.json":
            continue
        before = file.read_bytes()
        file.unlink()
        assert any(f"{file.name} is missing" in problem for problem in problems_from(models, run))
        file.write_bytes(before)


@pytest.mark.parametrize("gone", ["dataset", "train"])
@pytest.mark.parametrize("whole", [True, False])
def test_a_link_whose_artifact_is_gone_is_missing(run: Path, gone: str, whole: bool):
    if whole:
        shutil.rmtree(run / gone)
    else:
        (run / gone / "manifest.json").unlink()
    lineage = trace(str(run / "export"))
    role = {"dataset": "dataset", "train": "checkpoint"}[gone]
    assert any(f"its {role} " in problem and "is missing" in problem for problem in lineage.problems())
    (line,) = [line for line in tree(lineage) if f"✗ {role}  missing" in line][:1]
    assert read_manifest(run / "export")["inputs"][role][:12] in line


def test_an_artifact_that_was_made_again_is_told_apart_from_the_one_that_was_used(run: Path):
    data = run / "dataset"
    (data / "images" / "a.jpg").write_text("other pixels")
    files = [path for path in data.rglob("*") if path.is_file() and path.name != "manifest.json"]
    new = write_manifest(data, kind="dataset", inputs={}, settings={}, files=files)
    problems = trace(str(run / "train")).problems()
    assert any("is missing" in problem and f"is another one, {new['id'][:12]}" in problem for problem in problems)


def test_a_manifest_whose_content_and_id_were_both_changed_breaks_the_link_from_what_was_made_of_it(run: Path):
    manifest = read_manifest(run / "dataset")
    manifest["facts"]["train"]["images"] = 99
    body = {key: value for key, value in manifest.items() if key not in ("id", "made", "source", "seal")}
    manifest["id"] = sha256_of_json(body)
    (run / "dataset" / "manifest.json").write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n")
    problems = trace(str(run / "train")).problems()
    assert any("its dataset" in problem and "is missing" in problem for problem in problems)


def test_a_seal_also_covers_when_and_where_something_was_made(run: Path):
    manifest = read_manifest(run / "dataset")
    manifest.pop("seal", None)
    manifest["seal"] = sha256_of_json(manifest)
    path = run / "dataset" / "manifest.json"
    path.write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n")
    assert trace(str(run / "train")).problems() == []
    manifest["made"]["commit"] = "0" * 40
    path.write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n")
    assert any("does not fit its seal" in problem for problem in trace(str(run / "train")).problems())


def test_data_whose_version_is_called_otherwise_now_is_a_change(run: Path):
    path = run / "dataset" / "manifest.json"
    manifest = read_manifest(run / "dataset")
    manifest["source"]["version"] = "v2"
    manifest.pop("seal", None)
    path.write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n")
    problems = trace(str(run / "train")).problems()
    assert any("made from data version v1, the dataset is v2" in problem for problem in problems)


def test_a_version_folder_with_another_models_files_is_found_out(models: Path, run: Path):
    version = models / "m" / "1"
    (version / "model.pt").write_bytes(b"another model")
    manifest = read_manifest(version)
    manifest["files"]["model.pt"] = sha256_of_file(version / "model.pt")
    body = {key: value for key, value in manifest.items() if key not in ("id", "made", "source", "seal")}
    manifest["id"] = sha256_of_json(body)
    manifest.pop("seal", None)
    (version / "manifest.json").write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n")
    lineage = trace(str(version), search=[run])
    assert any("model.pt is not of this export" in problem for problem in lineage.problems())
    assert any("✗ export  changed: model.pt" in line for line in tree(lineage))

"""A model's folder in the repository: what is kept, what is served, and where a rollback leads. No server."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sparseinst.evaluation.instances import Instances
from sparseinst.export.comparison import compare
from sparseinst.serving.rollout.configuration import parse_config, served_version
from sparseinst.serving.rollout.evidence import gather_evidence
from sparseinst.serving.rollout.exported import read_export
from sparseinst.serving.rollout.journal import Journal
from sparseinst.serving.rollout.target import Target
from sparseinst.storage import Storage, open_storage
from tests.serving import tiny


@pytest.fixture
def repository(tmp_path: Path) -> Storage:
    return open_storage(str(tmp_path / "models"))


def add(target: Target, export: Path, *versions: int) -> None:
    """Puts versions into service, one after the other."""
    read = read_export(export)
    for version in versions:
        target.put(version, read, gather_evidence(read, None, None))
        target.write(target.to_commit(version))
        target.finish()


def test_a_version_that_is_only_uploaded_is_neither_served_nor_good(repository: Storage, tmp_path: Path):
    export = read_export(tiny.write_export(tmp_path / "export", "m"))
    target = Target(repository, "m")
    assert (target.versions(), target.current(), target.good()) == ([], None, [])
    target.put(1, export, gather_evidence(export, None, None))
    assert (target.versions(), target.current(), target.good()) == ([1], None, [])
    parts = ("config.pbtxt", f"export-{export.id[:12]}.manifest.json", "golden.npz", "labels.txt", "manifest.json")
    assert repository.list("m/1") == [f"m/1/{file}" for file in (*parts, "model.pt")]
    target.finish()
    assert target.good() == [1]


def test_a_rollback_leads_to_what_served_before_and_past_what_was_taken_back(repository: Storage, tmp_path: Path):
    export = tiny.write_export(tmp_path / "export", "m")
    target = Target(repository, "m")
    add(target, export, 1, 2, 3)
    assert target.journal() == Journal(served=(1, 2, 3))
    target.write(target.to_commit(2))
    assert target.journal().previous == 1
    target.write(target.to_commit(1))
    assert target.journal().previous is None
    add(target, export, 4)
    assert target.journal() == Journal(served=(1, 4))
    assert target.prune() == [2], "the one that served before stays, though it is the oldest"
    assert target.versions() == [1, 3, 4]
    target.write(target.to_commit(3))
    assert target.journal().previous == 4, "gone to by its name"


@pytest.mark.parametrize("journal", [None, b"", b"{", b'{"served": 1}', b'{"served": ["x"], "trying": null}'])
def test_a_repository_without_a_journal_goes_back_version_by_version(
    repository: Storage, tmp_path: Path, journal: bytes
):
    target = Target(repository, "m")
    add(target, tiny.write_export(tmp_path / "export", "m"), 1, 2, 3)
    repository.delete("m.journal")
    if journal is not None:
        repository.write_bytes("m.journal", journal)
    target.write(target.to_commit(2))
    assert target.journal() == Journal(served=(1, 2))


def test_the_variants_of_a_configuration_go_with_their_version(repository: Storage, tmp_path: Path):
    plain, export = (tiny.write_export(tmp_path / folder, "m") for folder in ("plain", "export"))
    configs = export / "m" / "configs"
    configs.mkdir()
    for variant in ("cpu", "gpu"):
        text = (export / "m" / "config.pbtxt").read_text()
        (configs / f"{variant}.pbtxt").write_text(text + f'cc_model_filenames {{ key: "{variant}", value: "" }}\n')
    tiny.seal(export)
    target = Target(repository, "m")
    add(target, export, 1)
    add(target, plain, 2)
    assert not repository.list("m/configs"), "a server that asks for one then reads config.pbtxt"
    add(target, export, 3)
    for variant in ("cpu", "gpu"):
        config = parse_config(repository.read_bytes(f"m/configs/{variant}.pbtxt"), variant)
        assert (config.name, served_version(config), list(config.cc_model_filenames)) == ("m", 3, [variant])
    target.write(target.to_commit(1))
    assert served_version(parse_config(repository.read_bytes("m/configs/cpu.pbtxt"), "cpu")) == 1


def test_two_empty_answers_are_equal():
    nothing = Instances(np.zeros(0, np.float32), np.zeros(0, np.int64), np.zeros((0, 8, 8), bool))
    assert compare(nothing, nothing).is_within_tolerance

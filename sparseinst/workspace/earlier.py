"""A training that an earlier run has made of the same data, settings and code: taken, instead of made again.

Kubeflow's own cache does not do it: its key holds names that are new in every run, and it does not look whether what it
remembers is still there (kubeflow/pipelines#7939). Here the key is made of contents, and what is found under it is
checked, file by file, against the hashes in its manifest.

The notes lie beside the runs' folders: for /workspace/RUN in /workspace/earlier, for s3://scratch/RUN in
s3://scratch/earlier. Whatever is wrong with one is said, and the training is made.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from sparseinst.config import load_config
from sparseinst.errors import SparseInstError
from sparseinst.files import sha256_of_file, sha256_of_json
from sparseinst.lineage.artifact import Artifact
from sparseinst.lineage.verify import problems_of
from sparseinst.log import get_logger
from sparseinst.manifest import NAME, code_commit, read_manifest
from sparseinst.storage import Storage, open_storage
from sparseinst.storage.weights import fetch_weights
from sparseinst.workspace.base import Workspace
from sparseinst.workspace.opening import fetch

log = get_logger("earlier")

_NOTES = "earlier"


def training_key(dataset: str, config: str, overrides: Sequence[str]) -> str:
    """What makes two trainings the same, as a hash; empty where nothing can.

    Code that is not exactly that of a commit cannot be named, and a training that the clock ends is not the same twice.
    The number of ranks is not in it: they compute what one would.

    Args:
        dataset: The id of the dataset's manifest, which is a hash of all its content; empty where it has none.
        config, overrides: As `sparseinst.config.load_config` takes them.

    Raises:
        ConfigError, StorageError: As the training would: a wrong setting, weights that are not there.
    """
    settings, code = load_config(config, overrides), code_commit()
    if not dataset or settings.train.max_minutes or code == "unknown" or code.endswith("-dirty"):
        return ""
    start = settings.train.weights
    weights = "" if start == "none" else sha256_of_file(fetch_weights(start))  # a path may hold another file tomorrow
    return sha256_of_json({"dataset": dataset, "settings": settings.to_dict(), "weights": weights, "code": code})


def make_once(place: Workspace, part: str, key: str, skip: Sequence[str], make: Callable[[], object]) -> None:
    """Takes the part from the earlier run that made it (`take_earlier`), or calls `make` and notes it for later."""
    if not take_earlier(place, part, key, skip):
        make()
        note_for_later(place, part, key)


def take_earlier(place: Workspace, part: str, key: str, skip: Sequence[str]) -> str:
    """Copies into the part what an earlier run made under this key.

    Args:
        place: This run's folder. A part that it has begun to make is left alone.
        part: E.g. "train".
        key: Of `training_key`; empty finds nothing.
        skip: Names in the part that are only for who goes on with it.

    Returns:
        The address that it was taken from; empty where there is none, or none that is whole.
    """
    if not key or place.local(part).exists():
        return ""
    try:
        notes = _notes(place)
        if not notes.exists(_name(part, key)):
            return ""
        address = str(json.loads(notes.read_bytes(_name(part, key)))["address"])
        found = fetch(address)
        _check(found)
        with place.make(part) as output:
            shutil.copytree(found, output, ignore=shutil.ignore_patterns(*skip), dirs_exist_ok=True)
    except (SparseInstError, OSError, ValueError, KeyError) as error:
        log.info("an earlier '%s' of the same things cannot be taken, so it is made again: %s", part, error)
        return ""
    log.info("'%s' is that of %s: the same data, settings and code", part, address)
    return address


def note_for_later(place: Workspace, part: str, key: str) -> None:
    """Notes that this part, which is whole, was made under the key. That it could not be noted is only said."""
    if not key:
        return
    try:
        _notes(place).write_bytes(_name(part, key), json.dumps({"address": place.at(part)}).encode())
    except (SparseInstError, OSError) as error:
        log.warning("a later run will make '%s' again, it could not be noted: %s", part, error)


def _notes(place: Workspace) -> Storage:
    return open_storage(place.address.rstrip("/").rpartition("/")[0] or "/")


def _name(part: str, key: str) -> str:
    return f"{_NOTES}/{part}/{key}.json"


def _check(folder: Path) -> None:
    problems = problems_of(Artifact(read_manifest(folder), folder / NAME, str(folder)))
    if problems:
        raise SparseInstError("; ".join(problem.text for problem in problems), where=str(folder))

"""Where manifests are looked for, and how one is found by what a child calls it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from sparseinst.lineage.artifact import Artifact, read_artifact
from sparseinst.manifest import NAME as MANIFEST

_SUFFIX = f".{MANIFEST}"
_DEPTH = 3  # runs/<time>/train
_NO_MANIFESTS_IN = {"images", "overlays", "state", "kfp"}  # large folders of ours that hold none


class Shelf:
    """The manifests of some folders, each read once."""

    def __init__(self, search: Sequence[Path] = ()) -> None:
        self._unreadable: list[Path] = []
        self._artifacts: dict[Path, Artifact] = {}
        self._seen: set[Path] = set()
        for place in search:
            self._add(place, _DEPTH)

    def add_around(self, folder: Path, shown: str = "") -> None:
        """Looks into a folder and those beside it: a run's folder holds its dataset, checkpoint and so on together.

        `shown` is what people call the folder, where it is a copy of one in a bucket.
        """
        self._add(folder, 0, shown)
        self._add(folder.parent, 1)

    def find(self, kind: str, wanted: str) -> list[Artifact]:
        """The artifacts of this kind with this id, or with a file of this hash; whole ones before mere manifests."""
        fitting = [
            artifact
            for artifact in self._artifacts.values()
            if wanted in (artifact.id, artifact.computed_id)
            or (artifact.kind == kind and wanted in artifact.files.values())
        ]
        # A copy is taken only where the original is away; of two originals the one that nobody changed.
        return sorted(fitting, key=lambda a: (a.is_copy, not a.is_intact, str(a.path)))

    def damaged(self) -> list[Path]:
        """Manifests that cannot be read, or are not as they were: any of them may be the one looked for."""
        changed = [a.path for a in self._artifacts.values() if not (a.is_copy or a.is_intact)]
        return [*self._unreadable, *changed]

    def others(self, kind: str) -> list[Artifact]:
        """Every artifact of this kind that has its files beside it."""
        return [artifact for artifact in self._artifacts.values() if artifact.kind == kind and not artifact.is_copy]

    def _add(self, place: Path, depth: int, shown: str = "") -> None:
        for path in _manifests(place, depth):
            key = path.resolve()
            if key in self._seen:
                continue
            self._seen.add(key)
            artifact = read_artifact(path, shown)
            if artifact is None:
                self._unreadable.append(path)
            else:
                self._artifacts[key] = artifact


def _manifests(place: Path, depth: int) -> Iterator[Path]:
    try:
        entries = sorted(os.scandir(place), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if entry.name == MANIFEST or entry.name.endswith(_SUFFIX):
            yield Path(entry.path)
        elif depth and not entry.name.startswith(".") and entry.name not in _NO_MANIFESTS_IN:
            yield from _manifests(Path(entry.path), depth - 1)  # of a file: nothing

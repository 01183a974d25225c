"""One model's place in a Triton model repository.

    <name>/config.pbtxt        which version is served: writing it is the commit
    <name>/configs/*.pbtxt     the same for servers that were told to read one of these; written before
    <name>/labels.txt
    <name>/<version>/model.pt
    <name>/<version>/{config.pbtxt, configs/*, labels.txt, golden.npz}   what a rollback to it needs
    <name>/<version>/{metrics.json, matches.npz, gate.json}   what it earned its place with
    <name>/<version>/*-*.manifest.json                        the manifests of everything that it was made from
    <name>/<version>/manifest.json                            written last: the version is whole
    <name>.journal             see journal.py
    <name>.lock                see lock.py

Everything is uploaded before the commit, so that a server that starts at any moment finds a whole version.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sparseinst.errors import DeployError
from sparseinst.export.contract import CONFIG_FILE, LABELS_FILE, MODEL_FILE
from sparseinst.manifest import NAME as MANIFEST_FILE
from sparseinst.manifest import write_manifest
from sparseinst.serving.metadata import metadata_of
from sparseinst.serving.rollout.configuration import (
    CONFIGS_FOLDER,
    config_text,
    parse_config,
    served_version,
)
from sparseinst.serving.rollout.evidence import Evidence
from sparseinst.serving.rollout.exported import Export
from sparseinst.serving.rollout.golden import GOLDEN_FILE, GoldenImage, read_golden
from sparseinst.serving.rollout.journal import Journal
from sparseinst.storage import Storage

_VERSIONS_KEPT = 2  # beside the one in service: those that a rollback can go to


@dataclass(frozen=True, slots=True)
class Committed:
    """What the model's folder says is served; None where there is no such file. `variants` are those of configs/."""

    config: bytes | None
    labels: bytes | None
    variants: Mapping[str, bytes] = field(default_factory=dict)


class Target:
    """The folder of the model `name`."""

    def __init__(self, storage: Storage, name: str) -> None:
        self.storage = storage
        self.name = name

    def versions(self) -> list[int]:
        """Every version's number, ascending; parts of one that was never finished count too."""
        tops = {key.split("/")[1] for key in self.storage.list(self.name) if key.count("/") > 1}
        return sorted(int(top) for top in tops if top.isdigit())

    def is_whole(self, version: int) -> bool:
        return self.storage.exists(self._key(version, MANIFEST_FILE))

    def good(self) -> list[int]:
        """The numbers of the versions that are whole and no part of an unfinished rollout, ascending."""
        trying = self.journal().trying
        return [version for version in self._whole() if version != trying]

    def journal(self) -> Journal:
        return Journal.read(self._read(self._journal_key), self._whole(), self.current())

    def committed(self) -> Committed:
        config, labels = (self._read(f"{self.name}/{file}") for file in (CONFIG_FILE, LABELS_FILE))
        return Committed(config, labels, self._variants(f"{self.name}/{CONFIGS_FOLDER}"))

    def current(self) -> int | None:
        """The version that the folder puts into service; None where there is none."""
        config = self._read(f"{self.name}/{CONFIG_FILE}")
        if config is None:
            return None
        where = f"{self.storage.uri}/{self.name}/{CONFIG_FILE}"
        version = served_version(parse_config(config, where))
        if version is None:
            raise DeployError(
                "The model's configuration does not name exactly one version: this project did not write it.",
                where=where,
                fix="Deploy under another name, or remove that model first.",
            )
        return version

    def put(self, version: int, export: Export, evidence: Evidence) -> None:
        """Uploads a version. It is not served before it is committed, and not taken for good before `finish`."""
        self._note(replace(self.journal(), trying=version))
        with tempfile.TemporaryDirectory() as folder:
            staged = Path(folder)
            (staged / MODEL_FILE).symlink_to(export.model.resolve())
            (staged / LABELS_FILE).symlink_to(export.labels.resolve())
            (staged / GOLDEN_FILE).symlink_to(export.golden_file.resolve())
            (staged / CONFIG_FILE).write_bytes(config_text(export.config, name=self.name, version=version))
            for name, config in export.variants.items():
                (staged / CONFIGS_FOLDER).mkdir(exist_ok=True)
                (staged / CONFIGS_FOLDER / name).write_bytes(config_text(config, name=self.name, version=version))
            for name, path in evidence.files.items():
                (staged / name).symlink_to(path.resolve())
            files = sorted(path for path in staged.rglob("*") if not path.is_dir())
            write_manifest(
                staged,
                kind="deployment",
                inputs={**evidence.inputs, **({"data_version": export.data_version} if export.data_version else {})},
                settings={"name": self.name, "version": version},
                files=files,
            )
            for path in [*files, staged / MANIFEST_FILE]:
                self.storage.upload(path, self._key(version, path.relative_to(staged).as_posix()))

    def finish(self, replicas: Sequence[str] | None = None) -> None:
        """Says that no rollout is going on any more: what is in service is good, and was proven at `replicas`."""
        journal = replace(self.journal(), trying=None)
        if replicas is not None:
            journal = replace(journal, replicas=tuple(replicas))
        if journal.served:
            self._note(journal)
        else:
            self.storage.delete(self._journal_key)

    def to_commit(self, version: int) -> Committed:
        """What puts a whole version into service."""
        config, labels = (self.storage.read_bytes(self._key(version, file)) for file in (CONFIG_FILE, LABELS_FILE))
        return Committed(config, labels, self._variants(self._key(version, CONFIGS_FOLDER)))

    def write(self, files: Committed) -> None:
        """Writes labels, variants, and then the configuration; what is None is deleted, the configuration first."""
        config_key, labels_key = f"{self.name}/{CONFIG_FILE}", f"{self.name}/{LABELS_FILE}"
        if files.config is None:
            self.storage.delete(config_key)
        if files.labels is None:
            self.storage.delete(labels_key)
        else:
            self.storage.write_bytes(labels_key, files.labels)
        for name in self._variants(f"{self.name}/{CONFIGS_FOLDER}").keys() - files.variants.keys():
            self.storage.delete(f"{self.name}/{CONFIGS_FOLDER}/{name}")
        for name, content in files.variants.items():
            self.storage.write_bytes(f"{self.name}/{CONFIGS_FOLDER}/{name}", content)
        if files.config is not None:
            self.storage.write_bytes(config_key, files.config)

    def metadata(self, version: int) -> dict[str, Any]:
        """What a version's export wrote about the model; empty where it wrote nothing."""
        key = self._key(version, CONFIG_FILE)
        return metadata_of(parse_config(self.storage.read_bytes(key), f"{self.storage.uri}/{key}"))

    def manifest(self, version: int) -> bytes:
        """The version's manifest.json; empty where the version is not whole."""
        key = self._key(version, MANIFEST_FILE)
        return self.storage.read_bytes(key) if self.storage.exists(key) else b""

    def fetch(self, version: int, file: str, path: Path) -> bool:
        """Copies one of the version's files out; false where it is not there."""
        key = self._key(version, file)
        if not self.storage.exists(key):
            return False
        self.storage.download(key, path)
        return True

    def golden(self, version: int) -> list[GoldenImage]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / GOLDEN_FILE
            self.storage.download(self._key(version, GOLDEN_FILE), path)
            return read_golden(path)

    def remove(self, version: int) -> None:
        self.storage.delete_prefix(f"{self.name}/{version}")

    def prune(self) -> list[int]:
        """Removes old versions; keeps the one in service, those that served before it, and the newest others.

        Returns:
            The numbers of those removed.
        """
        served = self.journal().served
        others = [version for version in self.versions() if version not in served[-1:]]
        by_worth = sorted(others, key=lambda version: (version in served, version))
        old = sorted(by_worth[:-_VERSIONS_KEPT])
        for version in old:
            self.remove(version)
        return old

    @property
    def _journal_key(self) -> str:
        return f"{self.name}.journal"

    def _note(self, journal: Journal) -> None:
        self.storage.write_bytes(self._journal_key, journal.write())

    def _whole(self) -> list[int]:
        return [version for version in self.versions() if self.is_whole(version)]

    def _variants(self, folder: str) -> dict[str, bytes]:
        return {key.rpartition("/")[2]: self.storage.read_bytes(key) for key in self.storage.list(folder)}

    def _read(self, key: str) -> bytes | None:
        return self.storage.read_bytes(key) if self.storage.exists(key) else None

    def _key(self, version: int, file: str) -> str:
        return f"{self.name}/{version}/{file}"

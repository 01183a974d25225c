"""One model's place in a Triton model repository.

    <name>/config.pbtxt        which version is served: writing it is the commit
    <name>/labels.txt
    <name>/<version>/model.pt
    <name>/<version>/{config.pbtxt, labels.txt, golden.npz}   what a rollback to it needs
    <name>/<version>/{metrics.json, matches.npz, gate.json}   what it earned its place with
    <name>/<version>/*-*.manifest.json                        the manifests of everything that it was made from
    <name>/<version>/manifest.json                            written last: the version is whole

Everything is uploaded before the commit, so that a server that starts at any moment finds a whole version.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from sparseinst.errors import DeployError
from sparseinst.export.contract import CONFIG_FILE, LABELS_FILE, MODEL_FILE
from sparseinst.manifest import NAME as MANIFEST_FILE
from sparseinst.manifest import write_manifest
from sparseinst.serving.rollout.configuration import config_text, parse_config, served_version
from sparseinst.serving.rollout.evidence import Evidence
from sparseinst.serving.rollout.exported import Export
from sparseinst.serving.rollout.golden import GOLDEN_FILE, GoldenImage, read_golden
from sparseinst.storage import Storage

_VERSIONS_KEPT = 2  # beside the one in service: those that a rollback can go to


@dataclass(frozen=True, slots=True)
class Committed:
    """What the model's folder says is served; None where there is no such file."""

    config: bytes | None
    labels: bytes | None


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

    def committed(self) -> Committed:
        files = (self.storage.read_bytes(key) if self.storage.exists(key) else None for key in self._tops())
        return Committed(*files)

    def current(self) -> int | None:
        """The version that the folder puts into service; None where there is none."""
        config = self.committed().config
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
        """Uploads a version. It is not served before `commit`."""
        with tempfile.TemporaryDirectory() as folder:
            staged = Path(folder)
            (staged / MODEL_FILE).symlink_to(export.model.resolve())
            (staged / LABELS_FILE).symlink_to(export.labels.resolve())
            (staged / GOLDEN_FILE).symlink_to(export.golden_file.resolve())
            (staged / CONFIG_FILE).write_bytes(config_text(export.config, name=self.name, version=version))
            for name, path in evidence.files.items():
                (staged / name).symlink_to(path.resolve())
            files = sorted(staged.iterdir())
            write_manifest(
                staged,
                kind="deployment",
                inputs={**evidence.inputs, **({"data_version": export.data_version} if export.data_version else {})},
                settings={"name": self.name, "version": version},
                files=files,
            )
            for path in [*files, staged / MANIFEST_FILE]:
                self.storage.upload(path, self._key(version, path.name))

    def commit(self, version: int) -> None:
        """Puts a whole version into service, as far as the repository goes."""
        config, labels = (self.storage.read_bytes(self._key(version, file)) for file in (CONFIG_FILE, LABELS_FILE))
        self.restore(Committed(config, labels))

    def restore(self, files: Committed) -> None:
        """Writes labels, then the configuration; what is None is deleted, the configuration first."""
        config_key, labels_key = self._tops()
        if files.config is None:
            self.storage.delete(config_key)
        if files.labels is None:
            self.storage.delete(labels_key)
        else:
            self.storage.write_bytes(labels_key, files.labels)
        if files.config is not None:
            self.storage.write_bytes(config_key, files.config)

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

    def prune(self, current: int) -> list[int]:
        """Removes all versions but `current` and the newest others; gives the numbers of those removed."""
        others = [version for version in self.versions() if version != current]
        old = others[:-_VERSIONS_KEPT]
        for version in old:
            self.remove(version)
        return old

    def _tops(self) -> tuple[str, str]:
        return f"{self.name}/{CONFIG_FILE}", f"{self.name}/{LABELS_FILE}"

    def _key(self, version: int, file: str) -> str:
        return f"{self.name}/{version}/{file}"

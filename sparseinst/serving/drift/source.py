"""Which model is watched, and where its evaluation is: asked again at each look, since rollouts change both."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparseinst.errors import ConfigError, DeployError, EvaluationError
from sparseinst.evaluation.finished import METRICS, read_evaluation
from sparseinst.export.contract import CONFIG_FILE, FRONT, METADATA_KEY, fingerprint
from sparseinst.serving.address import parse_address
from sparseinst.serving.connection import Connection
from sparseinst.serving.drift.reference import Reference, read_reference
from sparseinst.serving.metadata import metadata_of
from sparseinst.serving.rollout.configuration import parse_config, served_version
from sparseinst.serving.rollout.target import Target
from sparseinst.storage import open_storage

_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class _Model:
    """`metadata` is what the export wrote; `version` is "" where it is unknown."""

    version: str
    metadata: Mapping[str, Any]


class Source:
    """Finds the reference of the model in service."""

    def __init__(
        self, *, name: str = "", model: str = "", repository: str = "", evaluation: Path | None = None
    ) -> None:
        """Args:
        name: The model's name in the repository, if no server is to be asked what it serves.
        model: grpc://host:port/model[/version]; the front door's name will do.
        repository: Triton's model repository: a directory or s3://bucket/prefix.
        evaluation: The folder of an evaluation, in place of the one in the repository.

        Raises:
            ConfigError: The address has another form, or too little is given.
        """
        self._server, self.name, self._wanted = parse_address(model) if model else ("", name, "")
        self.name = self.name.removesuffix(FRONT)
        self._repository = repository
        self._evaluation = evaluation
        self._known: tuple[_Model, Reference] | None = None
        if not repository and not (model and evaluation):
            raise ConfigError(
                "There is nothing to compare with.",
                where="--repository",
                fix="Give the model repository, or both --model and --evaluation.",
            )

    def reference(self) -> Reference:
        """The evaluation of the model in service.

        Raises:
            DeployError: The repository does not hold the model.
            EvaluationError: There is no evaluation of it, or one of another model.
            StackError: The server does not answer.
            ConfigError: The server does not serve the model.
            StorageError: The repository cannot be read.
        """
        served = self._served() if self._server else self._published()
        if self._known is None or self._known[0] != served:
            self._known = served, self._read(served)
        return self._known[1]

    def _served(self) -> _Model:
        with Connection(self._server, timeout_s=_TIMEOUT_S) as triton:
            config = triton.model_config(self.name, self._wanted)
        version = self._wanted or str(served_version(config) or "")
        return _Model(version, _described(metadata_of(config), f"{self._server}, model '{self.name}'"))

    def _published(self) -> _Model:
        target = Target(open_storage(self._repository), self.name)
        version = target.current()
        if version is None:
            models = sorted({key.split("/")[0] for key in target.storage.list() if key.endswith(f"/{CONFIG_FILE}")})
            raise DeployError(
                f"The model repository puts no model '{self.name}' into service.",
                where=target.storage.uri,
                details=[f"it has '{model}'" for model in models if not model.endswith(FRONT)],
                fix="Give --name of one that it has, or deploy the model first.",
            )
        where = f"{target.storage.uri}/{self.name}/{CONFIG_FILE}"
        config = parse_config(target.committed().config or b"", where)
        return _Model(str(version), _described(metadata_of(config), where))

    def _read(self, model: _Model) -> Reference:
        if self._evaluation:
            found = read_evaluation(self._evaluation)
            return read_reference(
                found.metrics, model.metadata, name=self.name, version=model.version, where=str(found.path)
            )
        target = Target(open_storage(self._repository), self.name)
        version = self._version_of(target, model) if self._server else int(model.version)
        where = f"{target.storage.uri}/{self.name}/{version}"
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / METRICS
            if not target.fetch(version, METRICS, path):
                raise EvaluationError(
                    f"Version {version} of '{self.name}' was deployed without its evaluation.",
                    where=where,
                    fix="Give the evaluation's folder with --evaluation here, or to `sparseinst deploy`.",
                )
            metrics = read_evaluation(path).metrics
        return read_reference(metrics, model.metadata, name=self.name, version=str(version), where=f"{where}/{METRICS}")

    def _version_of(self, target: Target, model: _Model) -> int:
        """The version in the repository that is the served model."""
        wanted = fingerprint(model.metadata)
        for version in sorted(target.versions(), key=lambda number: (str(number) != model.version, -number)):
            is_there = target.storage.exists(f"{self.name}/{version}/{CONFIG_FILE}")
            if is_there and fingerprint(target.metadata(version)) == wanted:
                return version
        raise DeployError(
            f"The model repository holds no version of '{self.name}' that is the served model.",
            where=f"{target.storage.uri}/{self.name}",
            fix="Give the --repository that this server serves from, or the model's --evaluation.",
        )


def _described(metadata: dict[str, Any], where: str) -> dict[str, Any]:
    try:
        usable = all({"id", "name"} <= entry.keys() for entry in metadata["categories"])
    except (KeyError, TypeError, AttributeError):
        usable = False
    if not usable:
        raise EvaluationError(
            "The model does not say what it is.",
            where=f"{where}, parameter '{METADATA_KEY}'",
            fix="Deploy a model that `sparseinst export` wrote.",
        )
    return metadata

"""Which models a repository has."""

from __future__ import annotations

from sparseinst.errors import DeployError
from sparseinst.export.contract import CONFIG_FILE, FRONT
from sparseinst.serving.rollout.beside import CANDIDATE
from sparseinst.storage import open_storage


def only_model(repository: str) -> str:
    """The name of the one model that the repository puts into service; its front door is no model of its own.

    Raises:
        DeployError: There is none, or there are several.
        StorageError: The repository cannot be read.
    """
    keys = [key.split("/") for key in open_storage(repository).list()]
    names = sorted(parts[0] for parts in keys if len(parts) == 2 and parts[1] == CONFIG_FILE)
    models = [name for name in names if not name.endswith((FRONT, CANDIDATE))]
    if len(models) != 1:
        raise DeployError(
            f"The model repository has {len(models)} models in service, so one must be named."
            if models
            else "The model repository puts no model into service.",
            where=repository,
            details=models,
            fix="Give --name." if models else "Deploy a model first: `sparseinst deploy`.",
        )
    return models[0]

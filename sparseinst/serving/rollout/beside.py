"""Models under a name of their own, beside those in service, while they are tried."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sparseinst.export.contract import CONFIG_FILE, FRONT, LABELS_FILE, MODEL_FILE
from sparseinst.serving.connection import Connection
from sparseinst.serving.rollout.configuration import CONFIGS_FOLDER, config_text
from sparseinst.serving.rollout.exported import Export
from sparseinst.serving.rollout.loading import load
from sparseinst.serving.rollout.undo import quietly
from sparseinst.storage import Storage

CANDIDATE = "_candidate"  # appended to the model's name while a version is tried beside the one that serves


def trial_names(model: str) -> tuple[str, str]:
    """The front door and the model that a rollout tries, in the order in which they are taken away."""
    return f"{model}{CANDIDATE}{FRONT}", f"{model}{CANDIDATE}"


def model_files(export: Export, name: str) -> dict[str, Path | bytes]:
    """An export as the one version of a model `name`."""
    return {
        f"1/{MODEL_FILE}": export.model,
        LABELS_FILE: export.labels,
        **{
            f"{CONFIGS_FOLDER}/{file}": config_text(config, name=name, version=1)
            for file, config in export.variants.items()
        },
        CONFIG_FILE: config_text(export.config, name=name, version=1),
    }


@contextmanager
def beside(triton: Connection, storage: Storage, name: str, files: Mapping[str, Path | bytes]) -> Iterator[None]:
    """Serves a model under `name` for as long as the block runs.

    Args:
        triton: The server.
        storage: Its model repository.
        name: The model's name.
        files: Its files by their names in its folder, as paths or contents, config.pbtxt last.

    Raises:
        DeployError: Triton does not load it.
    """
    try:
        storage.delete_prefix(name)  # what a killed rollout left
        for file, content in files.items():
            if isinstance(content, Path):
                storage.upload(content, f"{name}/{file}")
            else:
                storage.write_bytes(f"{name}/{file}", content)
        load(triton, storage, name)
        yield
    finally:
        take_away(triton, storage, name)


def take_away(triton: Connection, storage: Storage, name: str) -> None:
    """Ends a model that was tried. The server forgets it even where the repository is away."""
    quietly(lambda: triton.unload(name), f"'{name}' may still be loaded")
    quietly(lambda: storage.delete_prefix(name), f"'{name}' may still be in {storage.uri}")

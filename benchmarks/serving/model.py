"""A model to serve: a named configuration with the weights of the reference figures, as the export writes it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf import text_format  # type: ignore[import-untyped]
from tritonclient.grpc.model_config_pb2 import ModelConfig

from sparseinst.config import load_config
from sparseinst.data.categories import Category
from sparseinst.export.contract import CONFIG_FILE, FRONT, LABELS_FILE, MODEL_FILE
from sparseinst.export.export import describe
from sparseinst.export.front_door import front_config, front_model_py
from sparseinst.export.repository import labels, triton_config
from sparseinst.export.torchscript import save_script, script
from sparseinst.model.network import build_model
from sparseinst.training.checkpoint import Checkpoint
from tests.golden.recipe import golden_state

NAME = "served"
_CLASSES = 80


@dataclass(frozen=True)
class Setting:
    """How the server runs the model: processes, torch's threads in each, and the largest batch it forms (1: none)."""

    instances: int
    threads: int
    batch: int

    def __str__(self) -> str:
        return f"{self.instances} x {self.threads} threads, batches of {self.batch}"


@dataclass(frozen=True)
class Repository:
    """A model repository in a folder."""

    folder: Path
    metadata: dict[str, Any]

    @property
    def model(self) -> Path:
        return self.folder / NAME / "1" / MODEL_FILE

    def configure(self, setting: Setting) -> None:
        """Writes config.pbtxt anew."""
        config = text_format.Parse(triton_config(NAME, self.metadata), ModelConfig())
        config.instance_group[0].count = setting.instances
        config.parameters["INTRA_OP_THREAD_COUNT"].string_value = str(setting.threads)
        if setting.batch == 1:
            config.dynamic_batching.preferred_batch_size[:] = [1]
            config.dynamic_batching.max_queue_delay_microseconds = 0
        config.max_batch_size = setting.batch
        # A model of seconds and 16 clients: nobody is to be sent away for waiting long.
        config.dynamic_batching.default_queue_policy.default_timeout_microseconds = 0
        config.ClearField("model_warmup")  # what is measured is warmed up by hand
        (self.folder / NAME / CONFIG_FILE).write_text(text_format.MessageToString(config))


def write_repository(folder: Path, config: str) -> Repository:
    """Exports the named configuration into `folder`, with its front door, without the proof of parity."""
    model = build_model(config, num_classes=_CLASSES)
    model.load_state_dict(golden_state(model, config))
    categories = [Category(number, f"class {number}") for number in range(1, _CLASSES + 1)]
    metadata = describe(Checkpoint(model.state_dict(), load_config(config), categories, 1))
    repository = Repository(folder, metadata)
    repository.model.parent.mkdir(parents=True)
    save_script(script(model.eval(), metadata), repository.model, metadata)
    (folder / NAME / LABELS_FILE).write_text(labels(metadata))
    front = folder / f"{NAME}{FRONT}"
    (front / "1").mkdir(parents=True)
    (front / "1" / "model.py").write_text(front_model_py())
    (front / CONFIG_FILE).write_text(front_config(NAME, [metadata]))
    return repository

"""What a model's configuration in Triton says about the model: the export's own words."""

from __future__ import annotations

import json
from typing import Any

from tritonclient.grpc.model_config_pb2 import ModelConfig

from sparseinst.export.contract import METADATA_KEY


def metadata_of(config: ModelConfig) -> dict[str, Any]:
    """What the export wrote about the model; empty where it wrote nothing."""
    try:
        metadata = json.loads(config.parameters[METADATA_KEY].string_value)
    except ValueError:
        return {}
    return metadata if isinstance(metadata, dict) else {}

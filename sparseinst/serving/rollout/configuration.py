"""config.pbtxt read and changed as the message that it is."""

from __future__ import annotations

from google.protobuf import text_format  # type: ignore[import-untyped]
from tritonclient.grpc.model_config_pb2 import ModelConfig

from sparseinst.errors import DeployError

CONFIGS_FOLDER = "configs"  # of variants, <name>.pbtxt: a server started with --model-config-name=<name> reads that one


def parse_config(content: bytes, where: str) -> ModelConfig:
    """The model configuration in a config.pbtxt.

    Raises:
        DeployError: It is no such text.
    """
    try:
        return text_format.Parse(content, ModelConfig())
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise DeployError(
            f"The model configuration cannot be read: {error}", where=where, fix="Export the model again."
        ) from error


def config_text(config: ModelConfig, *, name: str, version: int) -> bytes:
    """The configuration as text, under `name`, with `version` as the one version that is served."""
    changed = ModelConfig()
    changed.CopyFrom(config)
    changed.name = name
    changed.ClearField("version_policy")
    changed.version_policy.specific.versions.append(version)
    return text_format.MessageToString(changed).encode()


def served_version(config: ModelConfig) -> int | None:
    """The version that a configuration of ours puts into service; None for one that somebody else wrote."""
    versions = list(config.version_policy.specific.versions)
    return versions[0] if len(versions) == 1 else None


def is_taken_up(written: ModelConfig, loaded: ModelConfig) -> bool:
    """Whether a server's configuration is the one that was written; it adds defaults of its own."""
    same_version = written.version_policy == loaded.version_policy
    return same_version and all(loaded.parameters[key] == value for key, value in written.parameters.items())

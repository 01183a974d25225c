"""The text of config.pbtxt and labels.txt: what Triton needs to know, derived from the contract.

Source:
    Triton's model configuration, model_config.proto. The PyTorch backend cannot complete a configuration by itself
    (triton-inference-server/server#8233), so everything is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sparseinst.export.contract import (
    CONFIG_FILE,
    INPUT,
    LABELS_FILE,
    METADATA_KEY,
    OUTPUTS,
    TensorSpec,
    metadata_text,
)
from sparseinst.files import write_text

VARIANTS_FOLDER = "configs"  # <variant>.pbtxt: a server started with --model-config-name=<variant> reads that one
MAX_BATCH = 8

_LANDSCAPE = 4 / 3  # width to height of the second shape that is warmed up: what most cameras make


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """How a kind of machine serves the model: what is tuned, all in one place.

    Attributes:
        kind: Triton's kind of instances.
        instances: How many compute at a time; on a GPU a second one uses it while the first one copies.
        threads: Of one instance on a CPU; 0 leaves it to the backend.
        preferred: Batch sizes that are sent off without waiting for more.
        delay: How long a request waits for others to join its batch, in microseconds.
        waiting: How many requests may wait; one more is refused at once.
        patience: How long one may wait, in microseconds, unless it says so itself; then it is refused.
        warm_up: Whether a full batch is computed at the start, of the square and of the landscape shape. One image of
            each shape always is.
    """

    kind: str
    instances: int
    threads: int = 0
    preferred: tuple[int, ...] = ()
    delay: int
    waiting: int
    patience: int
    warm_up: tuple[bool, bool]


# Two instances, even on a CPU whose cores one of them fills: with one, and a bound on its queue, Triton 24.10 misses
# wake-ups and then sleeps for half a second (docs/serving.md). Batches of one: on a CPU a batch of 8 takes longer than
# 8 images do, and everybody waits for all of it.
DEFAULT = Service(
    kind="KIND_AUTO", instances=2, preferred=(1,), delay=0, waiting=64, patience=30_000_000, warm_up=(False, False)
)
VARIANTS = {
    "cpu": replace(DEFAULT, kind="KIND_CPU", waiting=32),  # more would wait longer than anybody has patience for
    "gpu": Service(
        kind="KIND_GPU",
        instances=2,
        preferred=(4, 8),
        delay=2000,
        waiting=256,
        patience=2_000_000,
        warm_up=(True, True),
    ),
}


def write_repository_texts(folder: Path, name: str, metadata: Mapping[str, Any]) -> None:
    """Writes config.pbtxt, its variants in configs/, and labels.txt into a model's folder."""
    write_text(folder / LABELS_FILE, labels(metadata))
    write_text(folder / CONFIG_FILE, triton_config(name, metadata))
    for variant, service in VARIANTS.items():
        write_text(folder / VARIANTS_FOLDER / f"{variant}.pbtxt", triton_config(name, metadata, service=service))


def triton_config(
    name: str,
    metadata: Mapping[str, Any],
    *,
    version: int = 1,
    max_batch: int = MAX_BATCH,
    service: Service = DEFAULT,
) -> str:
    """config.pbtxt for Triton's PyTorch backend.

    Args:
        name: The model's name in the repository.
        metadata: The JSON that also lies in model.pt; "instances", "short_side" and "longest_side" are used here.
        version: The one version that is served: a new configuration is what switches versions.
        max_batch: The largest batch that Triton forms.
        service: How this kind of machine serves; the default works everywhere.
    """
    instances = int(metadata["instances"])
    outputs = ",\n".join(_tensor(spec, instances) for spec in OUTPUTS)
    warm_ups = ",\n".join(_warm_up(*request) for request in _warm_up_requests(metadata, max_batch, service))
    return f"""name: {quote(name)}
platform: "pytorch_libtorch"
backend: "pytorch"
max_batch_size: {max_batch}
version_policy: {{ specific: {{ versions: [ {version} ] }} }}
input [
{_tensor(INPUT, instances)}
]
output [
{outputs}
]
instance_group [ {{ kind: {service.kind}, count: {service.instances} }} ]
{_batching(service)}
model_warmup [
{warm_ups}
]
{_parameters(service)}
parameters {{ key: {quote(METADATA_KEY)}, value: {{ string_value: {quote(metadata_text(metadata))} }} }}
"""


def _batching(service: Service) -> str:
    preferred = f"  preferred_batch_size: [ {', '.join(map(str, service.preferred))} ]\n" if service.preferred else ""
    return f"""dynamic_batching {{
{preferred}  max_queue_delay_microseconds: {service.delay}
  default_queue_policy {{
    timeout_action: REJECT
    default_timeout_microseconds: {service.patience}
    allow_timeout_override: true
    max_queue_size: {service.waiting}
  }}
}}"""


def _parameters(service: Service) -> str:
    parameters = {"INFERENCE_MODE": "true"}
    if service.instances > 1:
        parameters["ENABLE_WEIGHT_SHARING"] = "true"  # NVIDIA's backend then holds the weights once a device
    if service.threads:
        parameters |= {"INTRA_OP_THREAD_COUNT": str(service.threads), "INTER_OP_THREAD_COUNT": "1"}
    return "\n".join(
        f"parameters {{ key: {quote(key)}, value: {{ string_value: {quote(value)} }} }}"
        for key, value in parameters.items()
    )


def _warm_up_requests(
    metadata: Mapping[str, Any], max_batch: int, service: Service
) -> list[tuple[str, int, tuple[int, int]]]:
    """Name, batch and (height, width) of each request that is computed before the model is ready."""
    side = int(metadata["short_side"])
    wide = min(int(metadata["longest_side"]), round(side * _LANDSCAPE))
    requests = []
    for shape, size, full in (
        ("square", (side, side), service.warm_up[0]),
        ("landscape", (side, wide), service.warm_up[1]),
    ):
        requests.append((shape, 1, size))
        if full:
            requests.append((f"{shape}, full batch", max_batch, size))
    return requests


def labels(metadata: Mapping[str, Any]) -> str:
    """labels.txt: one category a line, in the order of the class index."""
    return "".join(f"{category['name']}\n" for category in metadata["categories"])


def _tensor(spec: TensorSpec, instances: int) -> str:
    dims = ", ".join(str(dim) for dim in spec.shape(instances))
    label_file = f", label_filename: {quote(LABELS_FILE)}" if spec.name == "classes" else ""
    return f"  {{ name: {quote(spec.name)}, data_type: {spec.triton_dtype}, dims: [ {dims} ]{label_file} }}"


def _warm_up(name: str, batch: int, size: tuple[int, int]) -> str:
    dims = ", ".join(map(str, (INPUT.dims[0], *size)))
    value = f"data_type: {INPUT.triton_dtype}, dims: [ {dims} ], random_data: true"
    tensor = f"inputs {{ key: {quote(INPUT.name)}, value: {{ {value} }} }}"
    return f"  {{ name: {quote(name)}, batch_size: {batch}, {tensor} }}"


def quote(text: str) -> str:
    """A protobuf text string; bytes outside printable ASCII become octal escapes, read back as UTF-8."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').encode("utf-8")
    return '"' + "".join(chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}" for byte in escaped) + '"'

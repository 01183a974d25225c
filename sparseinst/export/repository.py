"""The text of config.pbtxt and labels.txt: what Triton needs to know, derived from the contract.

Source:
    Triton's model configuration, model_config.proto. The PyTorch backend cannot complete a configuration by itself
    (triton-inference-server/server#8233), so everything is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sparseinst.export.contract import INPUT, LABELS_FILE, METADATA_KEY, OUTPUTS, TensorSpec, metadata_text

MAX_BATCH = 8
_QUEUE_DELAY_MICROSECONDS = 1000


def triton_config(name: str, metadata: Mapping[str, Any], *, version: int = 1, max_batch: int = MAX_BATCH) -> str:
    """config.pbtxt for Triton's PyTorch backend.

    Args:
        name: The model's name in the repository.
        metadata: The JSON that also lies in model.pt; "instances" and "short_side" are used here.
        version: The one version that is served: a new configuration is what switches versions.
        max_batch: The largest batch that Triton forms.
    """
    instances, side = int(metadata["instances"]), int(metadata["short_side"])
    outputs = ",\n".join(_tensor(spec, instances) for spec in OUTPUTS)
    return f"""name: {_quote(name)}
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
instance_group [ {{ kind: KIND_AUTO, count: 1 }} ]
dynamic_batching {{ max_queue_delay_microseconds: {_QUEUE_DELAY_MICROSECONDS} }}
model_warmup [
{_warm_up("one", 1, side)},
{_warm_up("full", max_batch, side)}
]
parameters {{ key: "INFERENCE_MODE", value: {{ string_value: "true" }} }}
parameters {{ key: {_quote(METADATA_KEY)}, value: {{ string_value: {_quote(metadata_text(metadata))} }} }}
"""


def labels(metadata: Mapping[str, Any]) -> str:
    """labels.txt: one category a line, in the order of the class index."""
    return "".join(f"{category['name']}\n" for category in metadata["categories"])


def _tensor(spec: TensorSpec, instances: int) -> str:
    dims = ", ".join(str(dim) for dim in spec.shape(instances))
    label_file = f", label_filename: {_quote(LABELS_FILE)}" if spec.name == "classes" else ""
    return f"  {{ name: {_quote(spec.name)}, data_type: {spec.triton_dtype}, dims: [ {dims} ]{label_file} }}"


def _warm_up(name: str, batch: int, side: int) -> str:
    dims = ", ".join(str(dim if int(dim) > 0 else side) for dim in INPUT.dims)
    value = f"data_type: {INPUT.triton_dtype}, dims: [ {dims} ], random_data: true"
    tensor = f"inputs {{ key: {_quote(INPUT.name)}, value: {{ {value} }} }}"
    return f"  {{ name: {_quote(name)}, batch_size: {batch}, {tensor} }}"


def _quote(text: str) -> str:
    """A protobuf text string; bytes outside printable ASCII become octal escapes, read back as UTF-8."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').encode("utf-8")
    return '"' + "".join(chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}" for byte in escaped) + '"'

"""config.pbtxt says what the contract says, whatever the categories are called."""

from __future__ import annotations

import json

import pytest
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from sparseinst.export.contract import INPUT, METADATA_KEY, OUTPUTS
from sparseinst.export.repository import DEFAULT, MAX_BATCH, VARIANTS, Service, labels, triton_config

METADATA = {
    "categories": [{"id": 1, "name": 'a "quoted" name'}, {"id": 7, "name": "Zürich\\日本"}],
    "instances": 20,
    "short_side": 128,
    "longest_side": 160,
}


def test_triton_parses_it_and_finds_the_contract() -> None:
    config = text_format.Parse(triton_config("mine", METADATA, version=3), model_config_pb2.ModelConfig())
    assert (config.name, config.backend, config.platform) == ("mine", "pytorch", "pytorch_libtorch")
    assert list(config.version_policy.specific.versions) == [3]
    assert [tensor.name for tensor in config.input] == [INPUT.name]
    assert list(config.input[0].dims) == [3, -1, -1]
    for tensor, spec in zip(config.output, OUTPUTS, strict=True):
        assert tensor.name == spec.name
        assert model_config_pb2.DataType.Name(tensor.data_type) == spec.triton_dtype
        assert tuple(tensor.dims) == spec.shape(instances=20)


def test_the_metadata_comes_back_unchanged() -> None:
    config = text_format.Parse(triton_config("mine", METADATA), model_config_pb2.ModelConfig())
    assert json.loads(config.parameters[METADATA_KEY].string_value) == METADATA


def test_labels_are_one_a_line_in_class_order() -> None:
    assert labels(METADATA) == 'a "quoted" name\nZürich\\日本\n'


@pytest.mark.parametrize("service", [DEFAULT, *VARIANTS.values()], ids=["default", *VARIANTS])
def test_every_variant_says_the_same_of_the_model_and_bounds_its_queue(service: Service) -> None:
    config = parse(triton_config("mine", METADATA, version=3, service=service))
    default = parse(triton_config("mine", METADATA, version=3))
    assert list(config.input) == list(default.input) and list(config.output) == list(default.output)
    assert config.version_policy == default.version_policy
    assert config.parameters[METADATA_KEY] == default.parameters[METADATA_KEY]
    assert config.parameters["INFERENCE_MODE"].string_value == "true"
    (group,) = config.instance_group
    assert (model_config_pb2.ModelInstanceGroup.Kind.Name(group.kind), group.count) == (service.kind, service.instances)
    batching = config.dynamic_batching
    assert set(batching.preferred_batch_size) <= set(range(1, MAX_BATCH + 1))
    queue = batching.default_queue_policy
    assert queue.timeout_action == model_config_pb2.ModelQueuePolicy.REJECT and queue.allow_timeout_override
    assert queue.max_queue_size >= MAX_BATCH and queue.default_timeout_microseconds > 0


@pytest.mark.parametrize("service", [DEFAULT, *VARIANTS.values()], ids=["default", *VARIANTS])
def test_each_served_shape_is_warmed_up_as_the_contract_says(service: Service) -> None:
    config = parse(triton_config("mine", METADATA, service=service))
    seen = set()
    for request in config.model_warmup:
        (name, tensor), *others = request.inputs.items()
        assert (name, others, tensor.random_data) == (INPUT.name, [], True)
        assert model_config_pb2.DataType.Name(tensor.data_type) == INPUT.triton_dtype
        seen.add((request.batch_size, *tensor.dims))
    alone = {(1, 3, 128, 128), (1, 3, 128, 160)}
    full = {(MAX_BATCH, *dims[1:]) for dims, is_warm in zip(sorted(alone), service.warm_up, strict=True) if is_warm}
    assert seen == alone | full


def test_a_cpu_is_ready_sooner_than_a_gpu() -> None:
    pixels = {
        variant: sum(
            request.batch_size * request.inputs[INPUT.name].dims[1] * request.inputs[INPUT.name].dims[2]
            for request in parse(triton_config("mine", METADATA, service=service)).model_warmup
        )
        for variant, service in VARIANTS.items()
    }
    assert pixels["cpu"] < pixels["gpu"] / 4


def parse(text: str) -> model_config_pb2.ModelConfig:
    return text_format.Parse(text, model_config_pb2.ModelConfig())

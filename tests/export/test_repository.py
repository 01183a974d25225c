"""config.pbtxt says what the contract says, whatever the categories are called."""

from __future__ import annotations

import json

from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from sparseinst.export.contract import INPUT, METADATA_KEY, OUTPUTS
from sparseinst.export.repository import labels, triton_config

METADATA = {
    "categories": [{"id": 1, "name": 'a "quoted" name'}, {"id": 7, "name": "Zürich\\日本"}],
    "instances": 20,
    "short_side": 128,
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

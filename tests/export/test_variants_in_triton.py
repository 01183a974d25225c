"""A real Triton picks the variant that it was started with, and serves the export by it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sparseinst.errors import StackError
from sparseinst.export.contract import INPUT, OUTPUTS
from sparseinst.export.repository import DEFAULT, MAX_BATCH, VARIANTS
from sparseinst.serving.connection import Connection
from sparseinst.serving.stack import triton
from tests.serving.client.servers import OwnTriton, own_triton

pytestmark = pytest.mark.stack

CPU = VARIANTS["cpu"]


@pytest.fixture(scope="module")
def server(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnTriton]:
    try:
        triton.require_program()
    except StackError as error:
        pytest.skip(f"the Triton server is not installed: {error}")
    folder = tmp_path_factory.mktemp("triton")
    shutil.copytree(exported / "shapes", folder / "models" / "shapes")
    with own_triton(folder / "own", folder / "models", ["--model-config-name=cpu"]) as server:
        yield server


def test_the_variant_for_cpus_is_loaded_warmed_up_and_answers(server: OwnTriton, exported: Path) -> None:
    with Connection(server.state.triton_url, timeout_s=60, key=server.state.triton_key) as connection:
        connection.load("shapes")
        config = connection.model_config("shapes")
        assert [(group.count, group.Kind.Name(group.kind)) for group in config.instance_group] == [
            (CPU.instances, CPU.kind)
        ]
        assert config.dynamic_batching.default_queue_policy.max_queue_size == CPU.waiting != DEFAULT.waiting
        assert config.max_batch_size == MAX_BATCH
        with np.load(exported / "golden.npz") as golden:
            served = connection.infer(
                "shapes", "", {INPUT.name: golden["image_1"][None]}, [spec.name for spec in OUTPUTS]
            )
            np.testing.assert_allclose(served["scores"][0], golden["scores_1"], atol=1e-4)
            np.testing.assert_array_equal(served["classes"][0], golden["classes_1"])

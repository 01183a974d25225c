"""The front door's folder in a model repository."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import DataType, ModelConfig

from sparseinst.export.front_door import FRONT_OUTPUTS, PARAMETER, front_config, write_front_door
from sparseinst.serving.front_door.routing import Routing
from tests.serving.front_door.models import METADATA, OTHER

NEEDED = {"PIL", "cv2", "hotcoco", "numpy", "pycocotools", "yaml"}  # docs/front_door.md says so, too


def test_the_configuration_is_read_back_as_it_was_meant():
    names = [{"id": 1, "name": 'a "quoted" \\ 名前\n'}]
    canary = {"model": "m_candidate", "metadata": OTHER, "share": 0.125, "shadow": False}
    text = front_config("m", [METADATA | {"categories": names}, OTHER], canary=canary, instances=3)
    config = text_format.Parse(text, ModelConfig())
    assert (config.name, config.backend, config.max_batch_size) == ("m_front", "python", 0)
    assert [(entry.name, entry.data_type) for entry in config.input] == [("picture", DataType.TYPE_UINT8)]
    assert [entry.name for entry in config.output] == [spec.name for spec in FRONT_OUTPUTS]
    (group,) = config.instance_group
    assert (group.count, group.kind) == (3, group.KIND_CPU)
    queue = config.dynamic_batching.default_queue_policy
    assert queue.max_queue_size > 0 and queue.default_timeout_microseconds > 0
    assert queue.timeout_action == queue.REJECT
    routing = Routing.parse(config.parameters[PARAMETER].string_value)
    assert routing.service.known[0].categories[0].name == names[0]["name"]
    assert routing.candidate is not None and routing.candidate.share.share == 0.125


def test_no_tensor_is_of_strings():
    """Triton's stub dies of them under numpy 2, before any of our code runs."""
    assert "TYPE_STRING" not in front_config("m", [METADATA])


def test_an_export_gets_the_front_door_of_its_own_model(tmp_path: Path):
    write_front_door(tmp_path, "m", METADATA)
    config = text_format.Parse((tmp_path / "m_front" / "config.pbtxt").read_text(), ModelConfig())
    assert json.loads(config.parameters[PARAMETER].string_value)["known"] == [METADATA]
    code = (tmp_path / "m_front" / "1" / "model.py").read_text()
    assert "TritonPythonModel" in code
    compile(code, "model.py", "exec")


@pytest.mark.parametrize(
    "damage", ["", "{}", '{"model": "m", "known": [], "canary": null}', '{"model": "m", "known": [{}], "canary": null}']
)
def test_a_configuration_that_says_nothing_is_an_error_that_initialize_explains(damage: str):
    with pytest.raises((KeyError, ValueError, TypeError)):
        Routing.parse(damage)


def test_it_runs_with_six_packages_and_without_torch():
    program = (
        "import sys, types; sys.modules['triton_python_backend_utils'] = types.ModuleType('pb')\n"
        "before = set(sys.modules)\n"
        "import sparseinst.serving.front_door.triton_model\n"
        "print(*{name.split('.')[0] for name in set(sys.modules) - before})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split()) - sys.stdlib_module_names
    packages = {name for name in loaded if not name.startswith("_")} - {"sparseinst", "cython_runtime"}
    assert packages == NEEDED

"""C++ answers as Python does: the file is all that a server needs. `make test-libtorch`; compiling takes half a minute.

The program is compiled against the headers and libraries in torch's own wheel.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

from sparseinst.export.contract import OUTPUTS
from sparseinst.export.golden import drawn
from sparseinst.export.torchscript import load_script

pytestmark = pytest.mark.libtorch

_SOURCE = Path(__file__).parent / "libtorch" / "run.cpp"
_DTYPES = {"Byte": "uint8", "Int": "int32", "Long": "int64", "Float": "float32"}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        pytest.skip("there is no C++ compiler (g++ or clang++)")
    wheel = Path(torch.__file__).parent
    output = tmp_path_factory.mktemp("libtorch") / "run"
    headers = [f"-I{wheel / 'include'}", f"-I{wheel / 'include' / 'torch' / 'csrc' / 'api' / 'include'}"]
    libraries = [f"-L{wheel / 'lib'}", f"-Wl,-rpath,{wheel / 'lib'}", "-ltorch", "-ltorch_cpu", "-lc10"]
    command = [compiler, "-std=c++20", *headers, str(_SOURCE), "-o", str(output), *libraries]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-4000:]
    return output


@pytest.mark.parametrize(("batch", "size"), [(1, (61, 90)), (4, (64, 96)), (2, (33, 130))])
def test_plain_libtorch_loads_the_file_and_gives_the_same_answer(
    exported: Path, program: Path, tmp_path: Path, batch: int, size: tuple[int, int]
) -> None:
    model = exported / "shapes" / "1" / "model.pt"
    images = np.stack([drawn(*size, seed).transpose(2, 0, 1) for seed in range(batch)])
    (tmp_path / "input").write_bytes(images.tobytes())
    arguments = [str(batch), *map(str, size), str(tmp_path / "input"), str(tmp_path / "output")]
    done = subprocess.run([str(program), str(model), *arguments], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    scripted, metadata = load_script(model)
    told, *tensors = done.stdout.splitlines()
    assert json.loads(told) == metadata
    with torch.inference_mode():
        expected = scripted(torch.from_numpy(images))
    assert len(tensors) == len(OUTPUTS)
    for index, (spec, line, output) in enumerate(zip(OUTPUTS, tensors, expected, strict=True)):
        kind, *sides = line.split()
        found = np.fromfile(tmp_path / f"output{index}", _DTYPES[kind]).reshape([int(side) for side in sides])
        assert (found.dtype, found.shape) == (output.numpy().dtype, tuple(output.shape))
        if spec.dtype == "float32":
            np.testing.assert_allclose(found, output.numpy(), atol=1e-6)
        else:
            np.testing.assert_array_equal(found, output.numpy())
    filled = expected[1].numpy() >= 0
    assert filled.any() and (expected[2].numpy()[filled] > 128).any()

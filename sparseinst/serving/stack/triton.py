"""The local Triton server: NVIDIA's own binary, with our Python backend in place of the C++ PyTorch one."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

import sparseinst
from sparseinst.errors import SparseInstError, StackError
from sparseinst.serving.connection import Connection
from sparseinst.serving.key import KEY_HEADER, KEY_NAME
from sparseinst.serving.stack import supervisor
from sparseinst.serving.stack.environment import server_environment
from sparseinst.serving.stack.ports import HOST
from sparseinst.serving.stack.state import MODELS_BUCKET, StackState

_START_LIMIT_S = 60
_ANSWER_LIMIT_S = 5.0

# What changes the server wants the key. Inference, health, metadata, configuration and statistics stay open to all.
# Shared memory is among them: with it a client makes the server read and write memory that the client names.
_RESTRICTED = "model-repository,shared-memory,trace,logging"
_BACKEND = Path(sparseinst.__file__).parents[1] / "deploy" / "triton_backend" / "pytorch" / "model.py"


def require_program() -> Path:
    """Where the nvidia-pytriton wheel was unpacked; StackError where it was not."""
    folder = Path(os.environ.get("SPARSEINST_TRITON_DIR") or Path(sys.prefix) / "triton")
    if not (folder / "pytriton" / "tritonserver" / "bin" / "tritonserver").is_file():
        raise StackError(
            "The Triton server's files are missing.",
            where=str(folder),
            fix="Run `make setup`, or set SPARSEINST_TRITON_DIR to where nvidia-pytriton was unpacked.",
        )
    return folder


def start(state: StackState, repository: str | None = None, extra: Sequence[str] = ()) -> supervisor.ProcessId:
    """Starts the server with no models, on the stack's bucket or another model repository. Returns at once.

    Args:
        extra: More of Triton's own options, e.g. for TLS.
    """
    files = require_program()
    server = files / "pytriton" / "tritonserver"
    backends = _assemble_backends(server, state.root / "backends")
    copies = _copies(state)
    copies.mkdir(parents=True, exist_ok=True)
    ports = state.ports
    bucket = f"s3://{state.s3_url}/{MODELS_BUCKET}"  # Triton's own form: the server stands inside the address
    command = [
        str(server / "bin" / "tritonserver"),
        f"--id={state.id}",
        f"--backend-directory={backends}",
        f"--cache-directory={server / 'caches'}",
        *(f"--{part}-address={HOST}" for part in ("http", "grpc", "metrics")),
        *(f"--{part}-port={ports[part]}" for part in ("http", "grpc", "metrics")),
        f"--model-repository={repository or bucket}",
        "--model-control-mode=explicit",
        "--disable-auto-complete-config",  # it would start another Python process for each model
        "--strict-readiness=false",  # strict, the server is "not ready" while any model switches versions
        "--metrics-config=summary_latencies=true",  # quantiles of the last minute, which docs/alerts.md promises
        "--exit-timeout-secs=5",  # a model whose stub died is never unloaded: Triton would wait for it in vain
        f"--backend-config=python,shm-region-prefix-name={state.id}_",
        # The header is triton-grpc-protocol-<name> over gRPC and, said so here, the same over HTTP.
        f"--grpc-restricted-protocol={_RESTRICTED}:{KEY_NAME}={state.triton_key}",
        f"--http-restricted-api={_RESTRICTED}:{KEY_HEADER}={state.triton_key}",
        *extra,
    ]
    environment = server_environment(state) | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        # The stub must find this Python's own library before any other.
        "LD_LIBRARY_PATH": f"{sysconfig.get_config_var('LIBDIR')}{os.pathsep}{files / 'nvidia_pytriton.libs'}",
        "TRITON_AWS_MOUNT_DIRECTORY": str(copies),
        "OMP_WAIT_POLICY": "PASSIVE",
    }
    return supervisor.start(command, environment=environment, folder=state.root, log=state.log("triton"))


def wait(state: StackState) -> None:
    """Waits until the server answers under its own name: another server might have its port."""
    supervisor.wait_until_ready(
        "Triton", state.processes["triton"], state.log("triton"), lambda: problem(state) == "", _START_LIMIT_S
    )


def problem(state: StackState) -> str:
    """Why the server is of no use; empty when it serves."""
    try:
        with connect(state, timeout_s=_ANSWER_LIMIT_S) as connection:
            name = connection.server_name()
    except SparseInstError as error:
        return error.problem
    return "" if name == state.id else f"another server ({name!r}) answers on its port"


def connect(state: StackState, *, timeout_s: float) -> Connection:
    """A connection that may load models."""
    return Connection(state.triton_url, timeout_s=timeout_s, key=state.triton_key)


def remove_leftovers(state: StackState) -> None:
    """Removes what a killed server leaves: its copies of loaded models, and its stubs' shared memory."""
    shutil.rmtree(_copies(state), ignore_errors=True)
    for segment in Path("/dev/shm").glob(f"{state.id}_*"):
        segment.unlink(missing_ok=True)


def _copies(state: StackState) -> Path:
    """Where Triton puts local copies of the models that it loads from S3."""
    return state.root / "loaded"


def _assemble_backends(server: Path, backends: Path) -> Path:
    """The folder that Triton takes backends from. Copies: it refuses links that lead out of the folder."""
    stub = server / "python_backend_stubs" / f"{sys.version_info.major}.{sys.version_info.minor}"
    for needed, fix in ((stub, "Use Python 3.11."), (_BACKEND, "Run from a checkout of the repository.")):
        if not needed.exists():
            raise StackError("A part of the Triton backend is missing.", where=str(needed), fix=fix)
    shutil.rmtree(backends, ignore_errors=True)
    shutil.copytree(server / "backends" / "python", backends / "python")
    shutil.copy2(stub / "triton_python_backend_stub", backends / "python")
    (backends / "pytorch").mkdir()
    shutil.copy2(_BACKEND, backends / "pytorch")
    return backends

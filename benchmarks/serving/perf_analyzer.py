"""NVIDIA's own perf_analyzer against a served model: figures that do not come from our client.

Run: python -m benchmarks.serving.perf_analyzer [--url 127.0.0.1:8001] [--model sparseinst] [--size 640] [--clients 8]

It is a program inside the wheel tritonclient 2.51.0; newer wheels lack it. The first run fetches that wheel
from the package index into the virtual environment, beside the installed tritonclient and not in its place. Two
libraries that it needs lie in nvidia-pytriton, under names of their own. It always asks for all outputs, so its
replies are larger than those of our clients. Whatever else is given goes to the program.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from sparseinst.export.contract import INPUT
from sparseinst.serving import stack
from sparseinst.serving.stack import triton

_WHEEL = "tritonclient==2.51.0"
_LIBRARIES = {"libb64.so.0d": "libb64-*.so.0d", "libcudart.so.12": "libcudart-*.so.12*"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="Triton's gRPC, host:port [default: the local stack's]")
    parser.add_argument("--model", default="sparseinst")
    parser.add_argument("--size", type=int, default=640, help="sides of the picture in pixels")
    parser.add_argument("--clients", default="8", help="so many at a time; 1:8 tries all from 1 to 8")
    options, rest = parser.parse_known_args()
    program, libraries = install()
    url = options.url or _local()
    command = [str(program), "-m", options.model, "-u", url, "-i", "grpc", "--concurrency-range", options.clients]
    command += ["--shape", f"{INPUT.name}:3,{options.size},{options.size}", "--percentile", "95", *rest]
    sys.exit(subprocess.run(command, env={**os.environ, "LD_LIBRARY_PATH": str(libraries)}).returncode)


def install() -> tuple[Path, Path]:
    """The program and the folder of its libraries; fetched where they are not."""
    folder = Path(sys.prefix) / "perf_analyzer"
    program, libraries = folder / "bin" / "perf_analyzer", folder / "libraries"
    if not program.exists():
        pip = [sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "--target", str(folder), _WHEEL], check=True)
        program.chmod(0o755)
    shutil.rmtree(libraries, ignore_errors=True)
    libraries.mkdir()
    for name, pattern in _LIBRARIES.items():
        found = next((triton.require_program() / "nvidia_pytriton.libs").glob(pattern))
        (libraries / name).symlink_to(found)
    return program, libraries


def _local() -> str:
    state = stack.read_state(stack.default_root())
    if state is None:
        sys.exit("There is no local stack: give --url, or run `sparseinst stack up`.")
    return state.triton_url


if __name__ == "__main__":
    main()

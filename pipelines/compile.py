"""Writes the pipeline as YAML: `python -m pipelines.compile [FILE]`. It is what one uploads to Kubeflow."""

from __future__ import annotations

import sys
from pathlib import Path

from kfp import compiler

from pipelines.pipeline import train_to_triton

COMPILED = Path(__file__).parent / "compiled" / "sparseinst.yaml"


def compile_to(path: Path) -> None:
    """Compiles the pipeline into `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    compiler.Compiler().compile(train_to_triton, str(path))


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else COMPILED
    compile_to(target)
    print(target)

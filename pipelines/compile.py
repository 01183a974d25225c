"""Writes the pipelines as YAML: `python -m pipelines.compile [FOLDER]`. They are what one uploads to Kubeflow."""

from __future__ import annotations

import sys
from pathlib import Path

from kfp import compiler

from pipelines.nodes import train_on_nodes_to_triton
from pipelines.pipeline import train_to_triton

COMPILED = Path(__file__).parent / "compiled"
PIPELINES = {"sparseinst.yaml": train_to_triton, "sparseinst-nodes.yaml": train_on_nodes_to_triton}


def compile_to(folder: Path) -> list[Path]:
    """Compiles every pipeline into a file of `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, pipeline in PIPELINES.items():
        compiler.Compiler().compile(pipeline, str(folder / name))
    return [folder / name for name in PIPELINES]


if __name__ == "__main__":
    for path in compile_to(Path(sys.argv[1]) if len(sys.argv) > 1 else COMPILED):
        print(path)

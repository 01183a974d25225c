"""Writes the pipeline of each preset as YAML, to upload to Kubeflow or to apply as Kubernetes resources.

python -m pipelines.compile                        # pipelines/compiled/<preset>.yaml
python -m pipelines.compile --preset gpu8 --output build/gpu8.yaml --image registry.example/sparseinst-components:1.2
python -m pipelines.compile --manifests deploy/pipelines --namespace ml   # Pipeline and PipelineVersion, for GitOps
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import click
import yaml
from kfp import compiler

from components.image import IMAGE
from pipelines.pipeline import build
from pipelines.platform.images import images
from pipelines.platform.preset import Preset, load_preset, preset_names
from sparseinst.cli.ending import exit_code_of
from sparseinst.errors import ConfigError
from sparseinst.files import sha256_of_json, write_text
from sparseinst.settings import suggest

COMPILED = Path(__file__).parent / "compiled"
_NAME = "sparseinst"


def compile_preset(preset: Preset, path: Path, image: str = IMAGE, training_image: str = "") -> Path:
    """Writes the pipeline as `preset` gives it, with the preset's defaults of the parameters.

    Args:
        preset: What each step gets.
        path: The file; its folder is made.
        image: The steps' image; `training_image` is that of steps with GPUs, by default `image` with
            "training" in its name.

    Raises:
        ConfigError: The preset has a parameter that the pipeline does not have.
    """
    write_text(path, _compiled(preset, image, training_image))
    return path


def compile_all(folder: Path, image: str = IMAGE) -> list[Path]:
    """Writes every preset's pipeline into `folder`."""
    return [compile_preset(load_preset(name), folder / f"{name}.yaml", image) for name in preset_names()]


def compile_manifest(
    preset: Preset, path: Path, namespace: str = "", image: str = IMAGE, training_image: str = ""
) -> Path:
    """Writes the pipeline as Kubernetes resources, Pipeline and PipelineVersion, for GitOps.

    The version's name has the content's hash in it: a PipelineVersion cannot be changed, only followed by another.
    """
    pipeline, platform = yaml.safe_load_all(_compiled(preset, image, training_image))
    version = f"{_NAME}-{preset.name}-{sha256_of_json([pipeline, platform])[:10]}"
    content = {"pipelineName": _NAME, "description": preset.description}
    content |= {"pipelineSpec": pipeline, "platformSpec": platform}
    resources = [
        _resource("Pipeline", _NAME, namespace, {"description": pipeline["pipelineInfo"]["description"]}),
        _resource("PipelineVersion", version, namespace, content),
    ]
    write_text(path, yaml.safe_dump_all(resources, sort_keys=False))
    return path


def _resource(kind: str, name: str, namespace: str, spec: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": "pipelines.kubeflow.org/v2beta1", "kind": kind, "metadata": metadata, "spec": spec}


def _compiled(preset: Preset, image: str, training_image: str) -> str:
    pipeline = build(preset, images(image, training_image))
    known = pipeline.pipeline_spec.root.input_definitions.parameters
    for name in preset.parameters:
        if name not in known:
            raise ConfigError(
                f"The pipeline has no parameter '{name}'.",
                where=f"preset {preset.name}: parameters",
                fix=suggest(name, known),
            )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "compiled.yaml"
        compiler.Compiler().compile(pipeline, str(path), pipeline_parameters=dict(preset.parameters))
        return path.read_text(encoding="utf-8")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--preset", "presets", multiple=True, help="A preset's name, or a YAML file. [default: all]")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="A file for one, a folder for several. [default: compiled/]",
)
@click.option("--image", default=IMAGE, show_default=True, help="The steps' image, as the cluster pulls it.")
@click.option("--training-image", default="", help="That of steps with GPUs. [default: the same with 'training' in it]")
@click.option("--manifests", type=click.Path(path_type=Path), help="Write Kubernetes resources into this folder.")
@click.option("--namespace", default="", help="With --manifests: their namespace. [default: none, kubectl's]")
def command(
    presets: tuple[str, ...],
    output: Path | None,
    image: str,
    training_image: str,
    manifests: Path | None,
    namespace: str,
) -> None:
    """Write the pipeline of each preset as YAML.

    \b
    Example:
      python -m pipelines.compile --preset gpu8 --output gpu8.yaml --image registry.example/sparseinst-components:1.2
    """
    chosen = [load_preset(name) for name in presets or preset_names()]
    for preset in chosen:
        if manifests is not None:
            path = compile_manifest(preset, manifests / f"{preset.name}.yaml", namespace, image, training_image)
        else:
            path = compile_preset(preset, _target(output, preset, len(chosen)), image, training_image)
        click.echo(path)


def _target(output: Path | None, preset: Preset, many: int) -> Path:
    if output is not None and many == 1 and output.suffix in (".yaml", ".yml"):
        return output
    return (output or COMPILED) / f"{preset.name}.yaml"


if __name__ == "__main__":
    sys.exit(exit_code_of(command))

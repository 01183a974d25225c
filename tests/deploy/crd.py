"""Kubeflow Trainer's own schema, asked strictly: what `kubectl --validate=strict` would refuse."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from pathlib import Path

import jsonschema
from referencing import Registry, Resource

_SCHEMA = Path(__file__).parent / "schemas" / "trainer_v1alpha1.json"
_KUBERNETES = "kubernetes-json-schema/v1.37.0-local-strict/_definitions.json"


def unknown_or_wrong(manifest):
    """What is wrong with a TrainJob or a (Cluster)TrainingRuntime: "path: message" for each finding."""
    errors = _validator(manifest["kind"]).iter_errors(manifest)
    return [f"{'.'.join(map(str, error.absolute_path))}: {error.message}" for error in errors]


@cache
def _validator(kind):
    schema = json.loads(_SCHEMA.read_text())
    kubernetes = json.loads(files("kubernetes_validate").joinpath(_KUBERNETES).read_text())
    resources = [Resource.from_contents(each) for each in (schema, kubernetes)]
    registry = Registry().with_resources([(each.id(), each) for each in resources])
    return jsonschema.Draft202012Validator({"$ref": f"{schema['$id']}#/$defs/{kind}"}, registry=registry)

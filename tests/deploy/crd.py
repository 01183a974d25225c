"""The schemas of other people's kinds, asked strictly: what `kubectl --validate=strict` would refuse.

schemas/*.json are their CRDs' own openAPIV3Schema, each with its source; unknown fields are refused where the API
server would drop them. The types of Kubernetes inside them come from kubernetes-validate.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from pathlib import Path

import jsonschema
from referencing import Registry, Resource

SCHEMAS = Path(__file__).parent / "schemas"
NEWEST = "1.37.0"


def unknown_or_wrong(manifest, kubernetes=NEWEST):
    """What is wrong with an object of one of these kinds: "path: message" for each finding.

    Raises:
        KeyError: A kind that no schema here knows.
    """
    return problems(validator(kubernetes, known_kinds()[manifest["apiVersion"], manifest["kind"]]), manifest)


def problems(schema_validator, manifest):
    """A validator's errors as "path: message"."""
    errors = schema_validator.iter_errors(manifest)
    return [f"{'.'.join(map(str, error.absolute_path))}: {error.message}" for error in errors]


@cache
def known_kinds():
    """(apiVersion, kind) -> where its schema is."""
    found = {}
    for schema in map(_read, sorted(SCHEMAS.glob("*.json"))):
        for name, definition in schema["$defs"].items():
            fields = definition.get("properties", {})
            if "const" in fields.get("apiVersion", {}):
                kind = fields["apiVersion"]["const"], fields["kind"]["const"]
                found[kind] = f"{schema['$id']}#/$defs/{name}"
    return found


@cache
def validator(kubernetes, reference):
    """Of one schema, with the types of one version of Kubernetes."""
    definitions = json.loads(native_folder(kubernetes).joinpath("_definitions.json").read_text())
    resources = [Resource.from_contents(each) for each in (definitions, *map(_read, sorted(SCHEMAS.glob("*.json"))))]
    registry = Registry().with_resources([(each.id(), each) for each in resources])
    schema = {"$ref": reference} if isinstance(reference, str) else reference
    return jsonschema.Draft202012Validator(schema, registry=registry)


def native_folder(kubernetes):
    """The strict schemas of Kubernetes' own kinds."""
    return files("kubernetes_validate").joinpath(f"kubernetes-json-schema/v{kubernetes}-local-strict")


@cache
def _read(path):
    return json.loads(path.read_text())

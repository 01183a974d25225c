"""Any object against its schema, without mercy: an unknown field, a wrong type, and a kind that nobody knows."""

from __future__ import annotations

import json
from functools import cache

from tests.deploy.crd import NEWEST, known_kinds, native_folder, problems, unknown_or_wrong, validator

# The oldest on which all of deploy/ works (unhealthyPodEvictionPolicy, matchLabelKeys), one between, the newest known.
VERSIONS = ("1.29.0", "1.33.0", NEWEST)


def findings(manifest, kubernetes):
    """What this version of Kubernetes would refuse in an object, as "path: message"."""
    kind = manifest.get("apiVersion", ""), manifest.get("kind", "")
    if kind in known_kinds():
        return unknown_or_wrong(manifest, kubernetes)
    native = _native(kubernetes, *kind)
    if native is None:
        return [f"kind: {kind[0]} {kind[1]} is not known to Kubernetes {kubernetes}, nor has tests/deploy/schemas it"]
    return problems(native, manifest)


@cache
def _native(kubernetes, api_version, kind):
    group, _, version = api_version.rpartition("/")
    name = "-".join(filter(None, (kind.lower(), group.split(".")[0], version)))
    path = native_folder(kubernetes).joinpath(f"{name}.json")
    return validator(kubernetes, _Schema(json.loads(path.read_text()))) if path.is_file() else None


class _Schema(dict):
    """A dictionary that a cache may keep; each is made once."""

    __hash__ = object.__hash__

"""What `kubectl kustomize` makes of the folders in deploy/. Every kustomization is found; none is listed by hand."""

from __future__ import annotations

import copy
import subprocess
import sys
from functools import cache
from pathlib import Path

import yaml

from tests.conftest import ROOT

DEPLOY = ROOT / "deploy"
KUBECTL = Path(sys.executable).parent / "kubectl"


def kustomizations():
    """The folders that can be applied, e.g. "overlays/cpu"; components are only parts of others."""
    found = sorted(path for path in DEPLOY.rglob("kustomization.yaml") if path.parent.name != "mine")
    kinds = {path.parent: yaml.safe_load(path.read_text())["kind"] for path in found}
    return [str(folder.relative_to(DEPLOY)) for folder, kind in kinds.items() if kind == "Kustomization"]


def overlays():
    return [name for name in kustomizations() if name.startswith("overlays/")]


def components():
    return sorted(path.parent.name for path in (DEPLOY / "components").glob("*/kustomization.yaml"))


def render(name):
    """The objects of a folder, a copy of one's own.

    Raises:
        RuntimeError: It does not build; with kubectl's words.
    """
    return copy.deepcopy(build(DEPLOY / name))


def by_name(objects):
    """(kind, name) -> object."""
    return {(each["kind"], each["metadata"]["name"]): each for each in objects}


@cache
def build(folder):
    """The objects of a folder anywhere, for all who ask; errors as of `render`."""
    done = subprocess.run([str(KUBECTL), "kustomize", str(folder)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{folder}: {done.stderr}")
    if "Warning" in done.stderr:  # of deprecated fields of kustomize's own
        raise RuntimeError(f"{folder}: {done.stderr}")
    return [each for each in yaml.load_all(done.stdout, yaml.CSafeLoader) if each]

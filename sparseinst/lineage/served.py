"""What an endpoint serves, as the start of a lineage: the server's word held against the model repository's files."""

from __future__ import annotations

from pathlib import Path

from sparseinst.errors import ConfigError, LineageError, SparseInstError
from sparseinst.export.contract import CONFIG_FILE, METADATA_KEY
from sparseinst.lineage.artifact import Artifact, read_artifact
from sparseinst.lineage.node import Link, Node
from sparseinst.lineage.verify import Problem
from sparseinst.lineage.walk import Walk
from sparseinst.manifest import NAME as MANIFEST
from sparseinst.serving.address import parse_address
from sparseinst.serving.connection import Connection
from sparseinst.serving.rollout.configuration import parse_config
from sparseinst.serving.rollout.golden import GOLDEN_FILE, prove, read_golden
from sparseinst.serving.rollout.target import Target
from sparseinst.storage import open_storage

_TIMEOUT_S = 60.0


def endpoint_node(address: str, repository: str, walk: Walk, folder: Path, *, with_files: bool) -> Node:
    """The node of grpc://host:port/model[/version].

    Args:
        address: Where it is served.
        repository: Triton's model repository, as this process sees it.
        walk: Goes on from the served version's manifest.
        folder: Gets the version's files.
        with_files: Whether to look at the files, and to ask the server for the golden images.

    Raises:
        LineageError: The server does not serve it.
        StackError: The server does not answer.
        StorageError: The repository cannot be read.
    """
    url, name, wanted = parse_address(address)
    target = Target(open_storage(repository), name)
    with Connection(url, timeout_s=_TIMEOUT_S) as triton:
        version = int(wanted or _served(triton, name))
        node = Node("endpoint", f"{name}/{version}", address, facts=_proven_at(target, version))
        artifact = fetch_version(target, version, folder, with_files=with_files)
        if artifact is None:
            text = f"{repository}/{name}/{version} has no readable manifest"
            node.links.append(Link("deployment", str(version), "missing", text))
            return node
        node.links.append(Link("deployment", artifact.id, "ok", to=walk.node(artifact)))
        node.problems += _problems(triton, target, version, folder, with_files=with_files)
    return node


def fetch_version(target: Target, version: int, folder: Path, *, with_files: bool) -> Artifact | None:
    """Copies a version out of the repository into `folder`; None where it has no manifest that can be read."""
    prefix = f"{target.name}/{version}"
    for key in target.storage.list(prefix):
        name = key.removeprefix(f"{prefix}/")
        if with_files or name.endswith(MANIFEST) or name in (CONFIG_FILE, GOLDEN_FILE):
            target.storage.download(key, folder / name)
    return read_artifact(folder / MANIFEST, f"{target.storage.uri}/{prefix}")


def _served(triton: Connection, name: str) -> str:
    served = [model for model in triton.models() if model.state == "READY"]
    versions = [model.version for model in served if model.name == name]
    if not versions:
        raise LineageError(
            f"Triton does not serve '{name}'.",
            where=triton.url,
            details=[f"it serves '{model.name}' version {model.version}" for model in served],
            fix="Name a model that it serves, or a version folder of the model repository.",
        )
    return max(versions, key=int)


def _proven_at(target: Target, version: int) -> list[str]:
    replicas = target.journal().replicas if version == target.current() else ()
    return [f"proven at {', '.join(replicas)}"] if replicas else []


def _problems(triton: Connection, target: Target, version: int, folder: Path, *, with_files: bool) -> list[Problem]:
    problems = []
    if (current := target.current()) != version:
        problems.append(Problem("changed", f"the model repository puts version {current} into service, not {version}"))
    try:
        told = triton.model_config(target.name, str(version)).parameters[METADATA_KEY].string_value
        written = parse_config((folder / CONFIG_FILE).read_bytes(), CONFIG_FILE).parameters[METADATA_KEY].string_value
        if told != written:
            problems.append(Problem("changed", "the server describes another model than the version's config.pbtxt"))
        if with_files:
            prove(triton, target.name, str(version), read_golden(folder / GOLDEN_FILE))
    except ConfigError as error:
        problems.append(Problem("missing", error.problem))
    except (SparseInstError, OSError) as error:
        problems.append(Problem("changed", str(error).splitlines()[0]))
    return problems

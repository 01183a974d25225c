"""Deploy and rollback. At every moment the repository names a whole, proven version, and Triton serves one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sparseinst.errors import DeployError, SparseInstError
from sparseinst.export.contract import CONFIG_FILE, LABELS_FILE, MODEL_FILE
from sparseinst.log import get_logger
from sparseinst.serving.connection import Connection
from sparseinst.serving.rollout.configuration import config_text
from sparseinst.serving.rollout.evidence import gather_evidence
from sparseinst.serving.rollout.exported import Export, read_export
from sparseinst.serving.rollout.golden import GoldenImage, Proof, prove
from sparseinst.serving.rollout.lock import rollout_lock
from sparseinst.serving.rollout.target import Target
from sparseinst.storage import Storage, open_storage

log = get_logger("deploy")

CANDIDATE = "_candidate"  # appended to the model's name while a version is tried beside the one that serves

_TIMEOUT_S = 300.0  # a load includes the model's warm-up


@dataclass(frozen=True, slots=True)
class Deployment:
    """What serves now. `previous` served before; None when nothing did."""

    name: str
    version: int
    previous: int | None
    repository: str
    url: str
    proof: Proof

    @property
    def endpoint(self) -> str:
        """What --model of `predict` and `evaluate` takes."""
        return f"grpc://{self.url}/{self.name}"

    def to_dict(self) -> dict[str, Any]:
        """For --json."""
        return {**asdict(self), "endpoint": self.endpoint}


def deploy(
    repository: Path,
    to: str,
    url: str,
    *,
    evaluation: Path | None = None,
    gate: Path | None = None,
    timeout_s: float = _TIMEOUT_S,
) -> Deployment:
    """Puts an export into service as the next version of its model.

    It is first loaded under a name of its own and asked for the golden images; only then it is published, loaded in
    place of the version before, and asked again. When anything fails, the version before serves on, and the
    repository is as it was.

    Args:
        repository: The directory that `export` made.
        to: Triton's model repository as this process sees it: a directory or s3://bucket/prefix.
        url: "host:port" of Triton's gRPC.
        evaluation: The folder of its evaluation, which goes along: the next candidate is held against it.
        gate: The folder of the gate's decision, which goes along.
        timeout_s: The deadline of each of Triton's steps.

    Raises:
        DeployError: The new version was not put into service.
        GateRefused: The gate's decision is no pass.
        StackError: No Triton answers at `url`.
        StorageError: The model repository cannot be used.
    """
    export = read_export(repository)
    evidence = gather_evidence(export, evaluation, gate)
    storage = open_storage(to)
    with Connection(url, timeout_s=timeout_s) as triton:
        triton.server_name()  # a wrong address is told before anything is written
        with rollout_lock(storage, export.name) as check_lock:
            target = Target(storage, export.name)
            before = target.current()
            version = max(target.versions(), default=0) + 1
            log.info("'%s' version %d: trying it as '%s'", export.name, version, export.name + CANDIDATE)
            try:
                _try_candidate(triton, storage, export)
                target.put(version, export, evidence)
                proof = _switch(triton, target, version, export.golden, check_lock)
            except BaseException as error:
                _quietly(lambda: _remove(target, version), f"parts of version {version} may still be in {to}")
                if isinstance(error, SparseInstError):
                    raise _refusal(export.name, version, before, triton, error) from error
                raise
            _quietly(lambda: target.prune(version), "older versions stay")
    log.info(
        "'%s' version %d serves; served = exported over %d golden images: scores within %.1e, masks within %.3f %%",
        *(export.name, version, proof.images, proof.score, 100 * proof.mask),
    )
    return Deployment(export.name, version, before, to, url, proof)


def rollback(name: str, to: str, url: str, *, version: int | None = None, timeout_s: float = _TIMEOUT_S) -> Deployment:
    """Puts an older version back into service and proves it by its own golden images.

    Args:
        name: The model's name.
        to: Triton's model repository, as for `deploy`.
        url: "host:port" of Triton's gRPC.
        version: The version to serve; by default the newest whole one below the one in service.
        timeout_s: The deadline of each of Triton's steps.

    Raises:
        DeployError: There is no such version, or it does not answer as it did; the one before serves on.
        StackError: No Triton answers at `url`.
        StorageError: The model repository cannot be used.
    """
    storage = open_storage(to)
    with Connection(url, timeout_s=timeout_s) as triton:
        triton.server_name()
        with rollout_lock(storage, name) as check_lock:
            target = Target(storage, name)
            before = target.current()
            chosen = _choose(target, before, version)
            log.info("'%s': going from version %s to version %d", name, before, chosen)
            try:
                proof = _switch(triton, target, chosen, target.golden(chosen), check_lock)
            except SparseInstError as error:
                raise _refusal(name, chosen, before, triton, error) from error
    log.info("'%s' version %d serves again", name, chosen)
    return Deployment(name, chosen, before, to, url, proof)


def _try_candidate(triton: Connection, storage: Storage, export: Export) -> None:
    """Loads the export beside the version that serves, under another name, and proves it there."""
    name = export.name + CANDIDATE
    try:
        storage.delete_prefix(name)  # what a killed rollout left
        storage.upload(export.model, f"{name}/1/{MODEL_FILE}")
        storage.upload(export.labels, f"{name}/{LABELS_FILE}")
        storage.write_bytes(f"{name}/{CONFIG_FILE}", config_text(export.config, name=name, version=1))
        _load(triton, storage, name)
        prove(triton, name, "1", export.golden)
    finally:
        _quietly(lambda: triton.unload(name), f"'{name}' may still be loaded")
        _quietly(lambda: storage.delete_prefix(name), f"'{name}' may still be in {storage.uri}")


def _switch(
    triton: Connection, target: Target, version: int, golden: list[GoldenImage], check_lock: Callable[[], None]
) -> Proof:
    """Commits a whole version, loads it and proves it; puts back what was served before when that fails."""
    before = target.committed()
    check_lock()
    try:
        target.commit(version)
        _load(triton, target.storage, target.name)
        return prove(triton, target.name, str(version), golden)
    except BaseException:
        _quietly(lambda: target.restore(before), f"{target.storage.uri} may still name version {version} as served")
        again = triton.unload if before.config is None else triton.load
        _quietly(lambda: again(target.name), "Triton takes up the old version when it is back")
        raise


def _load(triton: Connection, storage: Storage, name: str) -> None:
    try:
        triton.load(name)
    except SparseInstError as error:
        if name not in {model.name for model in triton.models()}:
            raise DeployError(
                f"Triton does not find it: {triton.url} does not serve from {storage.uri}.",
                where=f"{triton.url}, model '{name}'",
                fix="Give --to the model repository that this Triton was started with, as seen from here.",
            ) from error
        raise DeployError(
            f"Triton does not load it: {error.problem}",
            where=f"{triton.url}, model '{name}'",
            fix="Export the model again, with the torch version that the server has; see the server's log.",
        ) from error


def _choose(target: Target, current: int | None, wanted: int | None) -> int:
    whole = [version for version in target.versions() if target.is_whole(version)]
    below = [version for version in whole if version < (current or 0)]
    chosen = wanted if wanted is not None else max(below, default=None)
    if chosen is None or chosen not in whole or chosen == current:
        serves = f"version {current} serves" if current else "nothing serves"
        raise DeployError(
            f"There is no {'older version' if wanted is None else f'other version {wanted}'} of '{target.name}' "
            f"to go back to; {serves}.",
            where=f"{target.storage.uri}/{target.name}",
            fix=f"Name another with --version; the repository has: {', '.join(map(str, whole)) or 'none'}.",
        )
    return chosen


def _remove(target: Target, version: int) -> None:
    if target.current() != version:  # it is, where the old configuration could not be put back
        target.remove(version)


def _quietly(action: Callable[[], object], consequence: str) -> None:
    """Tidying must neither hide the error that made it necessary, nor fail a rollout that is done."""
    try:
        action()
    except SparseInstError as error:
        log.warning("%s: %s", consequence, error.problem)


def _refusal(name: str, version: int, before: int | None, triton: Connection, error: SparseInstError) -> DeployError:
    try:
        serves = before is not None and triton.is_ready(name, str(before))
    except SparseInstError:
        serves = False
    if serves:
        outcome = f"Version {before} still serves."
    elif before is None:
        outcome = "Nothing was served before, and nothing is now."
    else:
        outcome = f"Version {before} is still the published one, but Triton does not serve it at the moment."
    return DeployError(
        f"Version {version} of '{name}' was not put into service: {error.problem} {outcome}",
        where=error.where,
        details=error.details,
        fix=error.fix,
    )

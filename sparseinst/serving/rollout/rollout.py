"""Deploy and rollback. At every moment the repository names a whole, proven version, and Triton serves one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sparseinst.errors import DeployError, SparseInstError
from sparseinst.export.contract import FRONT
from sparseinst.log import get_logger
from sparseinst.serving.connection import Connection
from sparseinst.serving.rollout.beside import CANDIDATE
from sparseinst.serving.rollout.conditions import Conditions
from sparseinst.serving.rollout.evidence import Evidence, gather_evidence
from sparseinst.serving.rollout.exported import Export, read_export
from sparseinst.serving.rollout.golden import Proof
from sparseinst.serving.rollout.leftovers import tidy
from sparseinst.serving.rollout.lock import rollout_lock
from sparseinst.serving.rollout.service import Service
from sparseinst.serving.rollout.target import Target
from sparseinst.serving.rollout.trial import Findings, Trial
from sparseinst.serving.rollout.undo import Undo, quietly
from sparseinst.storage import open_storage

log = get_logger("deploy")

_TIMEOUT_S = 300.0  # a load includes the model's warm-up


@dataclass(frozen=True, slots=True)
class Deployment:
    """What serves now. `previous` served before; None when nothing did. With a front door it takes pictures too."""

    name: str
    version: int
    previous: int | None
    repository: str
    url: str
    front_door: bool
    proof: Proof
    findings: Findings

    @property
    def endpoint(self) -> str:
        """What --model of `predict` and `evaluate` takes."""
        server = self.url if "://" in self.url else f"grpc://{self.url}"
        return f"{server}/{self.name}"

    @property
    def front_endpoint(self) -> str:
        """Where picture files go, if there is a front door."""
        return self.endpoint + FRONT

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
    conditions: Conditions | None = None,
    front_door: bool = True,
    wait_s: float = 0.0,
    timeout_s: float = _TIMEOUT_S,
) -> Deployment:
    """Puts an export into service as the next version of its model.

    It is first loaded under a name of its own, asked for the golden images, and held against the conditions; only
    then it is published, loaded in place of the version before, and asked again. When anything fails, the version
    before serves on, and the repository is as it was. docs/rollout.md has the steps, and what a crash leaves at each.

    Args:
        repository: The directory that `export` made.
        to: Triton's model repository as this process sees it: a directory or s3://bucket/prefix.
        url: "host:port" of Triton's gRPC, with grpcs:// in front for TLS.
        evaluation: The folder of its evaluation, which goes along: the next candidate is held against it.
        gate: The folder of the gate's decision, which goes along.
        conditions: What it must fulfil beside the golden images.
        front_door: Whether `<name>_front`, which takes picture files, is put into service too. A server that cannot
            run one goes without. False takes one that serves out of service.
        wait_s: How long to wait for another rollout of this model to end.
        timeout_s: The deadline of each of Triton's steps.

    Raises:
        DeployError: The new version was not put into service.
        GateRefused: The gate's decision is no pass.
        StackError: No Triton answers at `url`.
        StorageError: The model repository cannot be used.
    """
    export = read_export(repository)
    evidence = gather_evidence(export, evaluation, gate)
    conditions = conditions or Conditions()
    with _service(export.name, to, url, wait_s, timeout_s) as service:
        before = service.target.current()
        version = max(service.target.versions(), default=0) + 1
        log.info("'%s' version %d: trying it as '%s'", export.name, version, export.name + CANDIDATE)
        with _explained(service, version, before), Undo() as undo:
            trial = Trial(service, export, before)
            findings, has_front_door = trial.run(conditions, undo, front_door=front_door)
            _put(service.target, version, export, evidence, undo)
            if has_front_door:
                service.open_front_door(export.metadata, undo)
            else:
                service.close_front_door(undo)
            proof = service.switch(version, export.golden, undo)
            service.target.finish()
            undo.keep()
        quietly(service.target.prune, "older versions stay")
    log.info(
        "'%s' version %d serves; served = exported over %d golden images: scores within %.1e, masks within %.3f %%",
        *(export.name, version, proof.images, proof.score, 100 * proof.mask),
    )
    return Deployment(export.name, version, before, to, url, has_front_door, proof, findings)


def rollback(
    name: str,
    to: str,
    url: str,
    *,
    version: int | None = None,
    front_door: bool = True,
    wait_s: float = 0.0,
    timeout_s: float = _TIMEOUT_S,
) -> Deployment:
    """Puts an older version back into service and proves it by its own golden images.

    Args:
        name: The model's name.
        to: Triton's model repository, as for `deploy`.
        url: "host:port" of Triton's gRPC.
        version: The version to serve; by default the one that served before. A version that was taken back is not
            gone to again unless it is named.
        front_door: False takes the front door out of service.
        wait_s: How long to wait for another rollout of this model to end.
        timeout_s: The deadline of each of Triton's steps.

    Raises:
        DeployError: There is no such version, or it does not answer as it did; the one before serves on.
        StackError: No Triton answers at `url`.
        StorageError: The model repository cannot be used.
    """
    with _service(name, to, url, wait_s, timeout_s) as service:
        before = service.target.current()
        chosen = _choose(service.target, before, version)
        log.info("'%s': going from version %s to version %d", name, before, chosen)
        has_front_door = front_door and service.front.published() is not None
        with _explained(service, chosen, before), Undo() as undo:
            if has_front_door and not service.front.knows(service.target.metadata(chosen)):
                service.open_front_door(service.target.metadata(chosen), undo)
            elif not has_front_door:
                service.close_front_door(undo)
            proof = service.switch(chosen, service.target.golden(chosen), undo)
            service.target.finish()
            undo.keep()
    log.info("'%s' version %d serves again", name, chosen)
    return Deployment(name, chosen, before, to, url, has_front_door, proof, Findings())


@contextmanager
def _service(name: str, to: str, url: str, wait_s: float, timeout_s: float) -> Iterator[Service]:
    """The model's service, for this rollout alone, without what a rollout that was killed left."""
    storage = open_storage(to)
    with Connection(url, timeout_s=timeout_s) as triton:
        triton.server_name()  # a wrong address is told before anything is written
        with rollout_lock(storage, name, wait_s) as check_lock:
            service = Service(triton, storage, name, check_lock)
            tidy(service)
            yield service


def _put(target: Target, version: int, export: Export, evidence: Evidence, undo: Undo) -> None:
    undo.add(target.finish, f"the next rollout of '{target.name}' will tidy {target.storage.uri}")
    undo.add(lambda: _remove(target, version), f"parts of version {version} may still be in {target.storage.uri}")
    target.put(version, export, evidence)


def _remove(target: Target, version: int) -> None:
    if target.current() != version:  # it is, where the old configuration could not be put back
        target.remove(version)


def _choose(target: Target, current: int | None, wanted: int | None) -> int:
    good = target.good()
    chosen = wanted if wanted is not None else target.journal().previous
    if chosen is None or chosen not in good or chosen == current:
        serves = f"version {current} serves" if current else "nothing serves"
        raise DeployError(
            f"There is no {'older version' if wanted is None else f'other version {wanted}'} of '{target.name}' "
            f"to go back to; {serves}.",
            where=f"{target.storage.uri}/{target.name}",
            fix=f"Name another with --version; the repository has: {', '.join(map(str, good)) or 'none'}.",
        )
    return chosen


@contextmanager
def _explained(service: Service, version: int, before: int | None) -> Iterator[None]:
    """Adds to an error what serves now."""
    try:
        yield
    except SparseInstError as error:
        raise DeployError(
            f"Version {version} of '{service.name}' was not put into service: {error.problem} "
            f"{_outcome(service, before)}",
            where=error.where,
            details=error.details,
            fix=error.fix,
        ) from error


def _outcome(service: Service, before: int | None) -> str:
    if before is None:
        return "Nothing was served before, and nothing is now."
    try:
        serves = service.triton.is_ready(service.name, str(before))
    except SparseInstError:
        serves = False
    if serves:
        return f"Version {before} still serves."
    return f"Version {before} is still the published one, but Triton does not serve it at the moment."

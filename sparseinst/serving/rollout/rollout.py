"""Deploy and rollback. At every moment the repository names a whole, proven version, and Triton serves one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sparseinst.errors import DeployError, SparseInstError
from sparseinst.log import get_logger
from sparseinst.serving.replicas import Replica, Replicas
from sparseinst.serving.rollout.beside import CANDIDATE
from sparseinst.serving.rollout.conditions import Conditions
from sparseinst.serving.rollout.deployment import Deployment
from sparseinst.serving.rollout.evidence import Evidence, gather_evidence
from sparseinst.serving.rollout.exported import Export, read_export
from sparseinst.serving.rollout.fleet import Fleet
from sparseinst.serving.rollout.leftovers import tidy
from sparseinst.serving.rollout.lock import rollout_lock
from sparseinst.serving.rollout.service import Service
from sparseinst.serving.rollout.target import Target
from sparseinst.serving.rollout.trial import Findings, Trial
from sparseinst.serving.rollout.undo import Undo, quietly
from sparseinst.storage import open_storage

log = get_logger("deploy")

REPLICA_WAIT_S = 120.0
_TIMEOUT_S = 300.0  # a load includes the model's warm-up


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
    replica_wait_s: float = REPLICA_WAIT_S,
    timeout_s: float = _TIMEOUT_S,
) -> Deployment:
    """Puts an export into service as the next version of its model.

    It is first loaded under a name of its own, asked for the golden images, and held against the conditions; only
    then it is published, loaded in place of the version before, and asked again. When anything fails, the version
    before serves on, and the repository is as it was. docs/rollout.md has the steps, and what a crash leaves at each.

    Args:
        repository: The directory that `export` made.
        to: Triton's model repository as this process sees it: a directory or s3://bucket/prefix.
        url: "host:port" of Triton's gRPC, with grpcs:// in front for TLS. A name with several addresses, and several
            with commas between, are replicas that serve from one repository: all that is tried is tried on the first
            that answers, and the others follow it.
        evaluation: The folder of its evaluation, which goes along: the next candidate is held against it.
        gate: The folder of the gate's decision, which goes along.
        conditions: What it must fulfil beside the golden images.
        front_door: Whether `<name>_front`, which takes picture files, is put into service too. A server that cannot
            run one goes without. False takes one that serves out of service.
        wait_s: How long to wait for another rollout of this model to end.
        replica_wait_s: How long to wait for one of several replicas that does not answer: it may be starting.
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
    with _fleet(export.name, to, url, wait_s, replica_wait_s, timeout_s) as fleet:
        service = fleet.service
        before = service.target.current()
        version = max(service.target.versions(), default=0) + 1
        log.info("'%s' version %d: trying it as '%s'", export.name, version, export.name + CANDIDATE)
        with _explained(fleet, version, before), Undo() as undo:
            undo.add(fleet.restore, "some replicas may not serve what is published")
            trial = Trial(service, export, before)
            findings, has_front_door = trial.run(_at(conditions, fleet.first), undo, front_door=front_door)
            _put(service.target, version, export, evidence, undo)
            if has_front_door:
                service.open_front_door(export.metadata, undo)
            else:
                service.close_front_door(undo)
            proof, replicas = fleet.switch(version, export.golden, undo)
            service.target.finish([visit.address for visit in replicas])
            undo.keep()
        quietly(service.target.prune, "older versions stay")
    log.info(
        "'%s' version %d serves; served = exported over %d golden images: scores within %.1e, masks within %.3f %%",
        *(export.name, version, proof.images, proof.score, 100 * proof.mask),
    )
    return Deployment(export.name, version, before, to, url, has_front_door, proof, findings, replicas)


def rollback(
    name: str,
    to: str,
    url: str,
    *,
    version: int | None = None,
    front_door: bool = True,
    wait_s: float = 0.0,
    replica_wait_s: float = REPLICA_WAIT_S,
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
        replica_wait_s: How long to wait for one of several replicas that does not answer: it may be starting.
        timeout_s: The deadline of each of Triton's steps.

    Raises:
        DeployError: There is no such version, or it does not answer as it did; the one before serves on.
        StackError: No Triton answers at `url`.
        StorageError: The model repository cannot be used.
    """
    with _fleet(name, to, url, wait_s, replica_wait_s, timeout_s) as fleet:
        service = fleet.service
        before = service.target.current()
        chosen = _choose(service.target, before, version)
        log.info("'%s': going from version %s to version %d", name, before, chosen)
        has_front_door = front_door and service.front.published() is not None
        with _explained(fleet, chosen, before), Undo() as undo:
            undo.add(fleet.restore, "some replicas may not serve what is published")
            if has_front_door and not service.front.knows(service.target.metadata(chosen)):
                service.open_front_door(service.target.metadata(chosen), undo)
            elif not has_front_door:
                service.close_front_door(undo)
            proof, replicas = fleet.switch(chosen, service.target.golden(chosen), undo)
            service.target.finish([visit.address for visit in replicas])
            undo.keep()
    log.info("'%s' version %d serves again", name, chosen)
    return Deployment(name, chosen, before, to, url, has_front_door, proof, Findings(), replicas)


def make_equal(
    name: str,
    to: str,
    url: str,
    *,
    wait_s: float = 0.0,
    replica_wait_s: float = REPLICA_WAIT_S,
    timeout_s: float = _TIMEOUT_S,
) -> None:
    """Brings every replica to the version that the repository publishes, and tidies what a killed rollout left.

    Deploy and rollback begin with the same. The arguments are theirs.

    Raises:
        DeployError: A replica does not serve what is published.
        StackError: No Triton answers at `url`.
        StorageError: The model repository cannot be used.
    """
    with _fleet(name, to, url, wait_s, replica_wait_s, timeout_s) as fleet:
        fleet.make_equal(may_unload=False)


@contextmanager
def _fleet(name: str, to: str, url: str, wait_s: float, replica_wait_s: float, timeout_s: float) -> Iterator[Fleet]:
    """The model's replicas, for this rollout alone, without what a rollout that was killed left."""
    storage, replicas = open_storage(to), Replicas(url)
    first = replicas.first_that_answers()
    with first.connect(timeout_s) as triton:
        triton.server_name()  # a wrong address is told before anything is written
        with rollout_lock(storage, name, wait_s) as check_lock:
            service = Service(triton, storage, name, check_lock)
            away_s = 0.0 if replicas.is_one else replica_wait_s
            fleet = Fleet(replicas, first, service, timeout_s=timeout_s, wait_s=away_s)
            tidy(fleet)
            yield fleet


def _at(conditions: Conditions, first: Replica) -> Conditions:
    """The canary takes its share on the first replica: its requests are counted there."""
    if conditions.canary is None:
        return conditions
    canary = replace(conditions.canary, metrics_url=first.of_this_one(conditions.canary.metrics_url))
    return replace(conditions, canary=canary)


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
def _explained(fleet: Fleet, version: int, before: int | None) -> Iterator[None]:
    """Adds to an error what serves now."""
    try:
        yield
    except SparseInstError as error:
        raise DeployError(
            f"Version {version} of '{fleet.service.name}' was not put into service: {error.problem} "
            f"{_outcome(fleet, before)}",
            where=error.where,
            details=error.details,
            fix=error.fix,
        ) from error


def _outcome(fleet: Fleet, before: int | None) -> str:
    if before is None:
        return "Nothing was served before, and nothing is now."
    without = fleet.without(before)
    if not without:
        return f"Version {before} still serves."
    who = "Triton does" if without == [fleet.first.address] else f"these replicas do ({', '.join(without)})"
    return f"Version {before} is still the published one, but {who} not serve it at the moment."

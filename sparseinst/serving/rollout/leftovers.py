"""What a rollout that was killed left behind, put right by the next one. It may have died at any step."""

from __future__ import annotations

from sparseinst.errors import SparseInstError
from sparseinst.log import get_logger
from sparseinst.serving.refusals import Restricted
from sparseinst.serving.rollout.beside import take_away, trial_names
from sparseinst.serving.rollout.fleet import Fleet
from sparseinst.serving.rollout.service import Service
from sparseinst.serving.rollout.sweep import ReplicaAway
from sparseinst.serving.rollout.target import Committed
from sparseinst.serving.rollout.undo import quietly

log = get_logger("deploy")


def tidy(fleet: Fleet) -> None:
    """Brings the repository and all servers to a state between two rollouts.

    Every replica comes to serve what is published. Models that were tried go; versions that were never whole, or whole
    but never committed, go; a version that was committed and not yet proven everywhere is proven now, and taken back
    if it fails.

    Raises:
        ReplicaAway: A replica does not answer.
        DeployError: The repository holds a model of somebody else.
    """
    service, target = fleet.service, fleet.service.target
    current, trying = target.current(), target.journal().trying
    _mend_front_door(service, current)
    if current is None:
        if target.committed() != Committed(None, None):
            target.write(Committed(None, None))
        fleet.make_equal(may_unload=trying is not None)
    else:
        current = _settle(fleet, current, trying)
    _end_trials(fleet)
    for version in target.versions():
        if version != current and (version == trying or not target.is_whole(version)):
            log.warning("removing version %d of '%s': its rollout was cut off", version, service.name)
            target.remove(version)
    if trying is not None:
        target.finish()


def _mend_front_door(service: Service, current: int | None) -> None:
    front = service.front
    if current is None or front.published() is None:
        if service.storage.list(front.name):
            log.warning("removing '%s': its rollout was cut off", front.name)
            front.remove()
        return
    routes = front.routes()
    if routes.get("canary"):
        log.warning("ending the canary of a rollout that was cut off")
        quietly(lambda: front.put(routes["known"]), f"'{front.name}' may still give requests to a candidate")


def _settle(fleet: Fleet, current: int, trying: int | None) -> int:
    """The version that is published then: the current one, or the one before."""
    service, target = fleet.service, fleet.service.target
    is_new = current == trying
    try:
        wanted = target.to_commit(current)
        if target.committed() != wanted:
            target.write(wanted)
        # What a repository does not publish may be served from another one, which was meant: it stays.
        fleet.make_equal(proves=is_new, may_unload=trying is not None)
    except (ReplicaAway, Restricted):
        raise
    except SparseInstError as error:
        previous = target.journal().previous
        if not is_new or previous is None:
            log.warning("version %d of '%s' is published and does not serve: %s", current, service.name, error.problem)
            return current
        log.warning("version %d of '%s' was cut off and fails: going back to %d", current, service.name, previous)
        target.write(target.to_commit(previous))
        fleet.make_equal()
        return previous
    return current


def _end_trials(fleet: Fleet) -> None:
    service, names = fleet.service, trial_names(fleet.service.name)
    for triton in fleet.connections():
        loaded = {model.name for model in triton.models() if model.state == "READY"}
        for name in names:
            if name in loaded:
                log.warning("taking away '%s', which a rollout that was cut off left at %s", name, triton.url)
                take_away(triton, service.storage, name)
    for name in names:
        if service.storage.list(name):
            take_away(service.triton, service.storage, name)

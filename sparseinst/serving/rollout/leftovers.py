"""What a rollout that was killed left behind, put right by the next one. It may have died at any step."""

from __future__ import annotations

from sparseinst.errors import SparseInstError
from sparseinst.log import get_logger
from sparseinst.serving.rollout.beside import take_away, trial_names
from sparseinst.serving.rollout.golden import prove
from sparseinst.serving.rollout.loading import load
from sparseinst.serving.rollout.service import Service
from sparseinst.serving.rollout.target import Committed
from sparseinst.serving.rollout.undo import quietly

log = get_logger("deploy")


def tidy(service: Service) -> None:
    """Brings repository and server to a state between two rollouts.

    Models that were tried go; versions that were never whole, or whole but never committed, go; a version that was
    committed and not yet proven in its place is proven now, and taken back if it fails.
    """
    target = service.target
    current, trying = target.current(), target.journal().trying
    _mend_front_door(service, current)
    _end_trials(service)
    for version in target.versions():
        if version != current and (version == trying or not target.is_whole(version)):
            log.warning("removing version %d of '%s': its rollout was cut off", version, service.name)
            target.remove(version)
    if current is None:
        if target.committed() != Committed(None, None):
            target.write(Committed(None, None))
    else:
        _settle(service, current, is_new=current == trying)
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
    else:
        quietly(front.ensure, f"'{front.name}' does not serve")


def _end_trials(service: Service) -> None:
    loaded = {model.name for model in service.triton.models() if model.state == "READY"}
    for name in trial_names(service.name):
        if name in loaded or service.storage.list(name):
            log.warning("taking away '%s', which a rollout that was cut off left", name)
            take_away(service.triton, service.storage, name)


def _settle(service: Service, current: int, *, is_new: bool) -> None:
    target = service.target
    try:
        wanted = target.to_commit(current)
        if target.committed() != wanted:
            target.write(wanted)
        if not service.triton.is_ready(service.name, str(current)):
            load(service.triton, service.storage, service.name)
        if is_new:
            prove(service.triton, service.name, str(current), target.golden(current))
    except SparseInstError as error:
        previous = target.journal().previous
        if not is_new or previous is None:
            log.warning("version %d of '%s' is published and does not serve: %s", current, service.name, error.problem)
            return
        log.warning("version %d of '%s' was cut off and fails: going back to %d", current, service.name, previous)
        target.write(target.to_commit(previous))
        load(service.triton, service.storage, service.name)
        target.remove(current)

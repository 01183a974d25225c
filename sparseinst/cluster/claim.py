"""Getting the run's job: made now, or found again by a retry of the step."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from sparseinst.cluster.api import TrainJobApi
from sparseinst.cluster.manifest import RUN_ID, SPEC_HASH
from sparseinst.cluster.patience import Patience
from sparseinst.cluster.standing import outcome
from sparseinst.errors import TrainingError
from sparseinst.log import get_logger

log = get_logger("train_job")

# The pods of a job that is deleted may save their state first: deploy/training gives them two minutes.
_LONGEST_DELETION_S = 600.0


def claim(api: TrainJobApi, patience: Patience, manifest: dict[str, Any], poll_s: float) -> dict[str, Any]:
    """The run's job as the API has it: new, still running, or complete.

    A job that this run made before and that failed, or that is being deleted, makes way for a new one.

    Raises:
        TrainingError: There is a job of that name that is not this run's, or that was made with another specification;
            or an old one does not go away. And what `patience` raises.
    """
    name = manifest["metadata"]["name"]
    start, told = time.monotonic(), False
    while True:
        made = patience(lambda: api.create(manifest), f"create TrainJob {name}")
        if made is not None:
            log.info("TrainJob %s made in namespace %s", name, api.namespace)
            return made
        found = patience(lambda: api.get(name), f"read TrainJob {name}")
        if found is None:  # it went away between the two questions
            continue
        _require_this_run(found, manifest, api.namespace)
        leaving = bool(found["metadata"].get("deletionTimestamp"))
        ended = outcome(found)
        if not leaving and not (ended and ended.kind == "Failed"):
            _require_same_spec(found, manifest, api.namespace)
            log.info("TrainJob %s is there from an earlier attempt of this step: going on with it", name)
            return found
        if not leaving:
            patience(partial(api.delete, name, found["metadata"]["uid"]), f"delete TrainJob {name}")
        if not told:
            log.info("TrainJob %s of an earlier attempt ended; waiting until it is gone", name)
            told = True
        if time.monotonic() - start > _LONGEST_DELETION_S:
            raise TrainingError(
                f"TrainJob {name} of an earlier attempt has been leaving for {_LONGEST_DELETION_S:.0f} s.",
                where=f"namespace {api.namespace}",
                fix=f"See what holds it: `kubectl describe trainjob {name}` and its pods.",
            )
        patience.stop.sleep(poll_s)


def _require_this_run(found: Mapping[str, Any], manifest: Mapping[str, Any], namespace: str) -> None:
    ours = manifest["metadata"]["annotations"][RUN_ID]
    theirs = (found["metadata"].get("annotations") or {}).get(RUN_ID)
    if theirs != ours:
        raise TrainingError(
            f"There is a TrainJob {manifest['metadata']['name']} already, and it is not this run's.",
            where=f"namespace {namespace}: it says {RUN_ID}={theirs!r}, this run is {ours!r}",
            fix="Delete it or wait for its end, if it is nobody's; or start a new run.",
        )


def _require_same_spec(found: Mapping[str, Any], manifest: Mapping[str, Any], namespace: str) -> None:
    ours, theirs = (each["metadata"]["annotations"].get(SPEC_HASH) for each in (manifest, found))
    if theirs != ours:
        name = manifest["metadata"]["name"]
        raise TrainingError(
            f"TrainJob {name} of this run was made with another specification.",
            where=f"namespace {namespace}: its hash is {theirs}, this step's {ours}",
            fix="Give a second training of the same run a run_id of its own (e.g. with -2 at its end); "
            f"or `kubectl delete trainjob {name}`.",
        )

"""Runs one TrainJob from a pipeline step: makes it or finds it, shows its log, waits, and cleans up."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sparseinst.cluster.announce import Announcer
from sparseinst.cluster.api import TrainJobApi
from sparseinst.cluster.claim import claim
from sparseinst.cluster.connection import Cluster, connect
from sparseinst.cluster.failure import last_words
from sparseinst.cluster.follow import LogFollower
from sparseinst.cluster.manifest import build_manifest
from sparseinst.cluster.patience import ClusterUnreachable, Patience
from sparseinst.cluster.request import TrainJobRequest
from sparseinst.cluster.standing import has_ended, node_zero, outcome, phase
from sparseinst.cluster.stop import StopRequested, StopSignal
from sparseinst.errors import Preempted, SparseInstError, TrainingError
from sparseinst.log import get_logger

log = get_logger("train_job")


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """How the step waits."""

    timeout_s: float | None = None  # of this step's waiting, the queue for nodes included
    poll_s: float = 5.0
    patience_s: float = 300.0  # how long the API may be away
    last_call_s: float = 10.0  # how long to try to delete when told to stop: a pod gets 30 s
    log_end_s: float = 15.0  # how long to wait for the rest of the log once the job has ended
    log_silence_s: float = 60.0  # a log connection without a line for so long is opened anew
    keep: bool = False  # leaves the job there when it has ended, to look at it


def run_train_job(request: TrainJobRequest, *, cluster: Cluster | None = None, waiting: Waiting | None = None) -> None:
    """Trains on the nodes of a cluster, and returns when the training is complete.

    A retry of the step goes on with the job of the attempt before: running, or complete already. Node 0's log goes to
    stderr. At the end the job is deleted, whatever became of it.

    Args:
        request: What to train, and on what.
        cluster: Where; by default where this process is, see `sparseinst.cluster.connection.connect`.
        waiting: How long, and how.

    Raises:
        Preempted: SIGTERM or Ctrl-C. The job is being deleted; its nodes save their state first.
        ClusterUnreachable: The API was away for too long. Nothing was deleted: the job goes on, a retry finds it.
        TrainingError: The job failed, took too long, was deleted by somebody, or could not be made; says which and why.
    """
    waiting = waiting or Waiting()
    cluster = cluster or connect()
    with StopSignal() as stop:
        patience = Patience(
            stop=stop, namespace=cluster.namespace, limit_s=waiting.patience_s, first_s=min(1.0, waiting.poll_s)
        )
        _Launch(TrainJobApi(cluster), patience, request, waiting).run()


class _Launch:
    def __init__(self, api: TrainJobApi, patience: Patience, request: TrainJobRequest, waiting: Waiting) -> None:
        self.api, self.patience, self.waiting = api, patience, waiting
        self.manifest = build_manifest(request, api.namespace)
        self.name: str = self.manifest["metadata"]["name"]
        self.uid = ""
        self.has_ended = False
        self.started = time.monotonic()
        self.announcer = Announcer(request.nodes)
        self.follower = LogFollower(
            lambda pod, since: api.follow(pod, since, waiting.log_silence_s),
            lambda line: print(line, file=sys.stderr, flush=True),
            api.namespace,
            pause_s=min(1.0, waiting.poll_s),
        )

    def run(self) -> None:
        """Waits for the job's end, and deletes the job on each way out but one: an API that does not answer."""
        try:
            self.uid = claim(self.api, self.patience, self.manifest, self.waiting.poll_s)["metadata"]["uid"]
            self._wait()
        except StopRequested:
            gone = self._clean_up(self.waiting.last_call_s)
            raise Preempted(
                "Stopped by a signal while the nodes trained; " + ("they save their state." if gone else "they go on."),
                where=f"TrainJob {self.name} in namespace {self.api.namespace}",
                fix="Run the same step again: the training goes on from there.",
            ) from None
        except ClusterUnreachable:
            raise
        except BaseException:
            self._end()
            raise
        finally:
            self.follower.finish(0.0)
        self._end()

    def _wait(self) -> None:
        """Returns when the job is complete."""
        while True:
            job = self.patience(lambda: self.api.get(self.name), f"read TrainJob {self.name}")
            if job is None or job["metadata"]["uid"] != self.uid:
                raise TrainingError(
                    f"Somebody deleted TrainJob {self.name} while it ran.",
                    where=f"namespace {self.api.namespace}",
                    fix="Retry the step: the training goes on from its last saved state.",
                )
            pods = self.patience(lambda: self.api.pods(self.name), "list the job's pods")
            self._follow(pods)
            ended = outcome(job)
            if ended:
                self.has_ended = True
                self.follower.finish(self.waiting.log_end_s)
                if ended.kind == "Failed":
                    raise self._failed(ended.reason, ended.message)
                log.info("TrainJob %s is complete after %.0f s", self.name, time.monotonic() - self.started)
                return
            self._announce(job, pods)
            self._require_time()
            self.patience.stop.sleep(self.waiting.poll_s)

    def _follow(self, pods: Sequence[Mapping[str, Any]]) -> None:
        zero = node_zero(pods)
        if zero:
            self.follower.follow(zero["metadata"]["name"], ended=has_ended(zero))

    def _announce(self, job: Mapping[str, Any], pods: Sequence[Mapping[str, Any]]) -> None:
        self.announcer.job(job, pods)
        if not pods or any(phase(pod) != "Running" for pod in pods):
            events = self.patience(lambda: self.api.warnings(self.name), "list events")
            self.announcer.events(events)

    def _require_time(self) -> None:
        limit = self.waiting.timeout_s
        if limit is not None and time.monotonic() - self.started > limit:
            raise TrainingError(
                f"TrainJob {self.name} was not complete after {limit:.0f} s.",
                where=f"namespace {self.api.namespace}",
                fix="Give it more time (timeout) or nodes; a retry goes on from the last saved state.",
                details=last_words(self.api, self.name, self.follower.tail),
            )

    def _failed(self, reason: str, message: str) -> TrainingError:
        return TrainingError(
            f"TrainJob {self.name} failed: {reason}: {message}",
            where=f"namespace {self.api.namespace}",
            fix="See what its nodes said; a retry of the step goes on from the last saved state.",
            details=last_words(self.api, self.name, self.follower.tail),
        )

    def _end(self) -> None:
        if self.waiting.keep and self.has_ended:
            log.info("TrainJob %s is kept; `kubectl delete trainjob %s` ends it", self.name, self.name)
            return
        self._clean_up(self.waiting.patience_s)

    def _clean_up(self, limit_s: float) -> bool:
        """Starts the job's deletion; a job that cannot be deleted is told, and is no reason to fail."""
        if not self.uid:
            return True
        patience = replace(self.patience, stop=StopSignal(), limit_s=limit_s, longest_s=2.0)
        try:
            patience(lambda: self.api.delete(self.name, self.uid), f"delete TrainJob {self.name}")
        except SparseInstError as error:
            log.warning("TrainJob %s stays behind: %s", self.name, error)
            return False
        log.info("TrainJob %s is being deleted", self.name)
        return True

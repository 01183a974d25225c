"""Every replica is visited, also those that come while others are, and none that has gone is waited for."""

from __future__ import annotations

import time
from collections.abc import Callable

from sparseinst.errors import DeployError, SparseInstError
from sparseinst.log import get_logger
from sparseinst.serving.refusals import TlsFailed
from sparseinst.serving.replicas import Replica, Replicas, Unresolved

log = get_logger("deploy")

# A server may have read the repository just before it changed, and its name may become known only later: Kubernetes'
# name server is told within a second or two, and answers from its cache for up to five.
SETTLE_S = 10.0
_POLL_S = 0.5

Visiting = Callable[[Replica], None]
Failed = Callable[[Replica, SparseInstError], None]


class ReplicaAway(DeployError):
    """A replica belongs to the address and does not answer."""


def sweep(
    replicas: Replicas,
    visit: Visiting,
    failed: Failed,
    check: Callable[[], None],
    *,
    wait_s: float,
    settles: bool,
    done: frozenset[str] = frozenset(),
) -> None:
    """Visits each replica once, one after the other, until the address names no other.

    Args:
        replicas: The address.
        visit: What is to be done at each.
        failed: What is to be done about one that answers and fails; it may raise.
        check: Called before each visit; it may raise.
        wait_s: How long to wait for one that does not answer and is still named: it may be starting.
        settles: Whether to look for others for a while: the repository has just changed.
        done: Addresses of those that need no visit.

    Raises:
        ReplicaAway: One does not answer in time, or the name is not resolved in time.
    """
    visited, missing = set(done), _Missing(replicas, wait_s)
    known: set[str] = set()
    settled_at = time.monotonic() + (0.0 if replicas.is_fixed or not settles else SETTLE_S)
    is_settled = False
    while True:
        begin = time.monotonic()
        try:
            found = replicas.resolve()
        except Unresolved as error:
            missing.tell(replicas.url, error)
            time.sleep(_POLL_S)
            continue
        missing.forget(replicas.url)
        if not is_settled:
            known |= {replica.address for replica in found}
            is_settled = begin >= settled_at
        left = [replica for replica in found if replica.address not in visited]
        if is_settled and not left:
            return
        is_waiting = not left
        for replica in left:
            check()
            away = _try(replica, visit, failed)
            if away is not None and replica.address in known:
                missing.tell(replica.address, away)
                is_waiting = True
            else:  # one that came later and does not answer yet will load what is published by now
                visited.add(replica.address)
        if is_waiting:
            time.sleep(_POLL_S)


def _try(replica: Replica, visit: Visiting, failed: Failed) -> SparseInstError | None:
    """None where the visit is over, well or not; else what it met on a replica that does not answer."""
    try:
        replica.probe()  # a visit has longer deadlines
        visit(replica)
    except SparseInstError as error:
        if not isinstance(error, TlsFailed) and not replica.answers():
            return error
        failed(replica, error)
    return None


class _Missing:
    """Since when replicas do not answer."""

    def __init__(self, replicas: Replicas, wait_s: float) -> None:
        self._replicas = replicas
        self._wait_s = wait_s
        self._since: dict[str, float] = {}

    def forget(self, address: str) -> None:
        self._since.pop(address, None)

    def tell(self, address: str, error: SparseInstError) -> None:
        """
        Raises:
            ReplicaAway: It has been away for too long.
        """
        if address not in self._since:
            log.warning("%s does not answer; waiting for it for up to %g s", address, self._wait_s)
        since = self._since.setdefault(address, time.monotonic())
        if time.monotonic() - since < self._wait_s:
            return
        raise ReplicaAway(
            f"The replica {address} does not answer.",
            where=self._replicas.url,
            details=[error.problem, *error.details],
            fix="Mend it or take it away, for example by deleting its pod, or wait longer for one that is starting "
            "(--replica-wait).",
        ) from error

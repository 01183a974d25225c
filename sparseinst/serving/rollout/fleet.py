"""All replicas of a model: one after the other they come to serve what was tried, and switched, on the first."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial

from sparseinst.errors import DeployError, SparseInstError
from sparseinst.log import get_logger
from sparseinst.serving.connection import Connection
from sparseinst.serving.refusals import Restricted
from sparseinst.serving.replicas import Replica, Replicas, Unresolved
from sparseinst.serving.rollout.golden import GoldenImage, Proof
from sparseinst.serving.rollout.member import Member, Pair
from sparseinst.serving.rollout.service import Service
from sparseinst.serving.rollout.sweep import Failed, Visiting, sweep
from sparseinst.serving.rollout.undo import Undo, quietly

log = get_logger("deploy")

_LOOK_S = 10.0


@dataclass(frozen=True, slots=True)
class Visit:
    """A replica that serves the version, proven.

    Attributes:
        address: host:port.
        before: The version that it served before; None for none. The same one where it had it already.
        seconds: How long it took to load and prove it.
    """

    address: str
    before: int | None
    seconds: float


class Fleet:
    """`first` is the replica on which everything is tried; `service` is the model's service there."""

    def __init__(
        self, replicas: Replicas, first: Replica, service: Service, *, timeout_s: float, wait_s: float
    ) -> None:
        """
        Args:
            replicas: All of them.
            first: One that answers.
            service: The model's folder, and the connection to `first`.
            timeout_s: The deadline of each of Triton's steps.
            wait_s: How long a replica may be away that the address still names.
        """
        self.first = first
        self.service = service
        self._replicas = replicas
        self._timeout_s = timeout_s
        self._wait_s = wait_s
        self._touched: set[str] = set()  # addresses of those that were to change versions
        self._begun: set[str] = set()  # and of those where a load may still be under way

    def switch(self, version: int, golden: list[GoldenImage], undo: Undo) -> tuple[Proof, tuple[Visit, ...]]:
        """Commits a whole version; the first replica loads and proves it, and then the others do, one by one.

        Args:
            version: Its number.
            golden: Its golden images: the first is asked for all of them, each other one for one.
            undo: Learns how to go back, everywhere.

        Raises:
            DeployError: A replica does not load it, answers otherwise than it should, or is away for too long.
        """
        undo.add(self._take_models_back, "some replicas may still serve what was tried")
        begin, before = time.monotonic(), Pair.served(self.service.triton, self.service.name).version
        self._touched.add(self.first.address)
        proof = self.service.switch(version, golden, undo)
        visits = [Visit(self.first.address, before, round(time.monotonic() - begin, 3))]
        self._follow(golden, visits)
        return proof, tuple(visits)

    def _follow(self, golden: list[GoldenImage], visits: list[Visit]) -> None:
        published = self._published()

        def visit(replica: Replica) -> None:
            begin = time.monotonic()
            with replica.connect(self._timeout_s) as triton:
                member = Member(triton, self.service.storage, self.service.name, published)
                self._touched.add(replica.address)
                self._begun.add(replica.address)
                member.bring()
                self._begun.discard(replica.address)
                member.prove(golden)
            visits.append(Visit(replica.address, member.was.version, round(time.monotonic() - begin, 3)))
            log.info("%s serves version %s, too (%.1f s)", replica.address, published.version, visits[-1].seconds)

        self._sweep(visit, _refuse, settles=True, done=frozenset({self.first.address}))

    def make_equal(self, *, proves: bool = False, settles: bool = False, may_unload: bool = True) -> None:
        """Brings each replica, the first too, to what the repository publishes. One that fails does not stop it.

        Args:
            proves: Whether to prove also those where nothing had to be done.
            settles: Whether the repository has just changed: some may have started with what it held before.
            may_unload: Whether what is not published goes out of service.

        Raises:
            Restricted: A replica wants another key.
            DeployError: Some do not serve what is published, or are away for too long.
        """
        published, failures = self._published(), dict[str, SparseInstError]()
        golden = cache(lambda: self.service.target.golden(published.version) if published.version else [])

        def visit(replica: Replica) -> None:
            with replica.connect(self._timeout_s) as triton:
                member = Member(triton, self.service.storage, self.service.name, published)
                has_changed = member.bring(anew=replica.address in self._begun, may_unload=may_unload)
                self._begun.discard(replica.address)
                if has_changed or proves or replica.address in self._touched:
                    member.prove(golden())
            if has_changed:
                log.info("%s serves what is published: version %s", replica.address, published.version)

        def failed(replica: Replica, error: SparseInstError) -> None:
            if isinstance(error, Restricted):
                raise error
            failures[replica.address] = error

        self._sweep(visit, failed, settles=settles)
        if len(failures) == 1:
            raise next(iter(failures.values()))
        if failures:
            raise DeployError(
                f"{len(failures)} replicas do not serve what is published.",
                where=self._replicas.url,
                details=[f"{address}: {error.problem}" for address, error in failures.items()],
                fix="See their logs.",
            )

    def restore(self) -> None:
        """Brings each replica to what the repository publishes again, where a rollout has changed that."""
        if self.service.has_published:
            self.make_equal(settles=True)

    def connections(self) -> Iterator[Connection]:
        """To each replica that answers, for as long as it is looked at.

        Raises:
            Unresolved: The name has no address.
        """
        for replica in self._replicas.resolve():
            if replica.answers():
                with replica.connect(self._timeout_s) as triton:
                    yield triton

    def without(self, version: int) -> list[str]:
        """The addresses of the replicas that do not serve a version."""
        try:
            return [
                replica.address
                for replica in self._replicas.resolve()
                if not _serves(replica, self.service.name, version)
            ]
        except Unresolved:
            return [self._replicas.url]

    def _take_models_back(self) -> None:
        """The models before the front doors: those that serve meanwhile know both versions."""
        published = self._published()
        for replica in self._replicas.resolve():
            if replica.address in self._touched and replica.answers():
                quietly(
                    partial(self._take_back, replica, published), f"{replica.address} may still serve what was tried"
                )

    def _take_back(self, replica: Replica, published: Pair) -> None:
        with replica.connect(self._timeout_s) as triton:
            member = Member(triton, self.service.storage, self.service.name, published)
            member.bring_model(anew=replica.address in self._begun)

    def _published(self) -> Pair:
        return Pair.published(self.service.storage, self.service.name)

    def _sweep(self, visit: Visiting, failed: Failed, *, settles: bool, done: frozenset[str] = frozenset()) -> None:
        sweep(
            self._replicas,
            visit,
            failed,
            self.service.check_lock,
            wait_s=self._wait_s,
            settles=settles,
            done=done,
        )


def _refuse(replica: Replica, error: SparseInstError) -> None:
    raise DeployError(
        f"The replica {replica.address} did not take it up: {error.problem}",
        where=error.where or replica.address,
        details=error.details,
        fix=error.fix,
    ) from error


def _serves(replica: Replica, name: str, version: int) -> bool:
    try:
        with replica.connect(_LOOK_S) as triton:
            return triton.is_ready(name, str(version))
    except SparseInstError:
        return False

"""Whom a rollout goes to, and for whom it waits. No server: what is under test is time and names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from sparseinst.errors import DeployError, SparseInstError, StackError
from sparseinst.serving.refusals import TlsFailed
from sparseinst.serving.replicas import Replica, Unresolved
from sparseinst.serving.rollout import sweep as module
from sparseinst.serving.rollout.sweep import SETTLE_S, ReplicaAway, sweep


@dataclass
class World:
    """Replicas that come, go, start and fail as time passes; a look takes no time, a visit a second.

    Attributes:
        named: By address, from when until when the name stands for it.
        up_at: By address, when it begins to answer; at once where nothing is said.
        lost: From when until when the name cannot be resolved.
    """

    named: dict[str, tuple[float, float]]
    up_at: dict[str, float] = field(default_factory=dict)
    lost: tuple[float, float] = (-1.0, -1.0)
    is_fixed: bool = False
    now: float = 0.0
    visits: list[tuple[str, float]] = field(default_factory=list)
    url: str = "triton:8001"

    def resolve(self) -> list[Replica]:
        if self.lost[0] <= self.now < self.lost[1]:
            raise Unresolved("The name cannot be resolved.")
        return [
            Known(address, address, world=self)
            for address, (since, until) in self.named.items()
            if since <= self.now < until
        ]

    def is_up(self, address: str) -> bool:
        return self.up_at.get(address, 0.0) <= self.now < self.named[address][1]

    def visit(self, replica: Replica) -> None:
        self.now += 1
        self.visits.append((replica.address, self.now))

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass(frozen=True, kw_only=True)
class Known(Replica):
    world: World

    def probe(self) -> None:
        if not self.world.is_up(self.address):
            raise StackError("No Triton server answers there.")


ALWAYS = (0.0, 1e9)


def refuse(replica: Replica, error: SparseInstError) -> None:
    raise DeployError(f"{replica.address}: {error.problem}")


@pytest.fixture
def go(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Sweeps through a world; gives back who was visited, in order."""

    def run(world: World, *, visit: Callable[[Replica], None] | None = None, **options: object) -> list[str]:
        monkeypatch.setattr(module.time, "monotonic", lambda: world.now)
        monkeypatch.setattr(module.time, "sleep", world.sleep)
        settings = {"wait_s": 60.0, "settles": True} | options
        sweep(world, visit or world.visit, refuse, lambda: None, **settings)  # type: ignore[arg-type]
        return [address for address, _ in world.visits]

    return run


def test_each_is_visited_once_and_those_that_are_done_are_not(go: Callable[..., list[str]]):
    world = World({"a": ALWAYS, "b": ALWAYS, "c": ALWAYS})
    assert go(world, done=frozenset({"a"})) == ["b", "c"]


def test_one_that_is_named_late_is_found(go: Callable[..., list[str]]):
    world = World({"a": ALWAYS, "b": (SETTLE_S - 3, 1e9)})
    assert go(world) == ["a", "b"]


def test_servers_that_are_always_the_same_need_no_second_look(go: Callable[..., list[str]]):
    world = World({"a": ALWAYS}, is_fixed=True)
    assert go(world) == ["a"]
    assert world.now == 1


def test_one_that_starts_is_waited_for(go: Callable[..., list[str]]):
    world = World({"a": ALWAYS, "b": ALWAYS, "c": ALWAYS}, up_at={"b": 40.0})
    assert go(world) == ["a", "c", "b"]


def test_one_that_has_gone_is_not_waited_for(go: Callable[..., list[str]]):
    world = World({"a": ALWAYS, "b": (0, 20.0)}, up_at={"b": 1e9})
    assert go(world) == ["a"]
    assert world.now < 25


def test_one_that_stays_away_is_an_error_that_names_it(go: Callable[..., list[str]]):
    world = World({"a": ALWAYS, "b": ALWAYS}, up_at={"b": 1e9})
    with pytest.raises(ReplicaAway, match="The replica b does not answer") as away:
        go(world, wait_s=30.0)
    assert (away.value.where, away.value.details) == ("triton:8001", ("No Triton server answers there.",))
    assert 30 <= world.now < 33


def test_one_that_began_after_the_change_has_what_is_published_and_is_not_waited_for(go: Callable[..., list[str]]):
    world = World({"a": ALWAYS, "b": ALWAYS, "late": (15.0, 1e9)}, up_at={"b": 20.0, "late": 1e9})
    assert go(world) == ["a", "b"]
    assert world.now < 25


def test_a_name_that_is_lost_for_a_while_is_waited_for(go: Callable[..., list[str]]):
    assert go(World({"a": ALWAYS}, lost=(0.0, 20.0))) == ["a"]
    with pytest.raises(ReplicaAway, match="triton:8001"):
        go(World({"a": ALWAYS}, lost=(0.0, 1e9)))


@pytest.mark.parametrize("error", [DeployError("does not load"), StackError("Triton failed"), TlsFailed("no TLS")])
def test_one_that_answers_and_refuses_ends_it(go: Callable[..., list[str]], error: SparseInstError):
    def visit(replica: Replica) -> None:
        raise error

    with pytest.raises(DeployError, match=f"a: {error.problem}"):
        go(World({"a": ALWAYS, "b": ALWAYS}), visit=visit)


def test_one_that_is_lost_while_it_is_visited_is_visited_again(go: Callable[..., list[str]]):
    world = World({"a": ALWAYS, "b": ALWAYS})
    tries: list[str] = []

    def visit(replica: Replica) -> None:
        tries.append(replica.address)
        if tries == ["a"]:
            world.up_at["a"] = world.now + 5
            raise DeployError("The answer differs.")
        world.visit(replica)

    assert go(world, visit=visit) == ["b", "a"]

"""The autoscaler as it is beside the one that looked at nothing but the wait, as rows of tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from benchmarks.scaling.autoscaler import Autoscaler, read_autoscaler
from benchmarks.scaling.counters import Replica
from benchmarks.scaling.courses import LOADS, Course, follow, steady
from benchmarks.scaling.each_request import EachRequest
from benchmarks.scaling.inputs import Inputs

_STEADY = (1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0)
_FINE = tuple(number / 50 for number in range(50, 301))
_FEW = (1.5, 2.0, 2.6, 3.3, 4.0)
_STEADY_HOURS = 6
_OF_THE_WAIT = {"sparseinst_queue_seconds": 0.05}  # alone, until it was seen to hunt
_GUARDED_BY = "sparseinst_wait_ratio"

Row = Sequence[str]


def replica(inputs: Inputs) -> Replica:
    """The GPU of the inputs."""
    told = inputs.serving
    return Replica(
        compute_s=told.compute_ms / 1000,
        executors=told.executors,
        instances=told.instances,
        spread=told.spread,
        patience_s=told.patience_s,
    )


def scalers() -> Mapping[str, Autoscaler]:
    """By what they look at; the last one is the manifest's."""
    ours = read_autoscaler()
    busy = {name: target for name, target in ours.targets.items() if name != _GUARDED_BY}
    return {
        "the wait alone, 50 ms": replace(ours, targets=_OF_THE_WAIT),
        "busy alone, 65 %": replace(ours, targets=busy),
        "busy, and waiting ÷ computing": ours,
    }


def steady_rows(inputs: Inputs) -> Iterator[Row]:
    """Loads that do not change."""
    serving = replica(inputs)
    yield ("load, in replicas", *scalers())
    for load in _STEADY:
        courses = (follow(scaler, steady(load), serving, hours=_STEADY_HOURS) for scaler in scalers().values())
        yield (f"{load:g}", *map(_steady, courses))


def changing_rows(inputs: Inputs) -> Iterator[Row]:
    """Loads that jump and swing."""
    serving = replica(inputs)
    yield ("load, in replicas", *scalers())
    for words, load, hours in LOADS.values():
        courses = (follow(scaler, load, serving, hours=hours) for scaler in scalers().values())
        yield (words, *map(_changing, courses))


def other_rows(inputs: Inputs) -> Iterator[Row]:
    """Replicas of other models, and on CPUs."""
    before, _, after = scalers().values()
    gpu = replica(inputs)
    shared = replace(gpu, compute_s=1 / 1.41, patience_s=30)
    others = {
        "a GPU, 3 ms an image": replace(gpu, compute_s=0.003),
        f"a GPU, {1000 * gpu.compute_s:.1f} ms": gpu,
        "CPUs that two instances share, 0.7 s": shared,
        "CPUs, half of them for each instance, 1.4 s": replace(shared, compute_s=2 / 1.41, executors=2),
    }
    loads = (2.0, 3.5)
    head = [f"load {load:g}: {name}" for load in loads for name in ("before", "now")]
    yield ("a replica", *head)
    for name, serving in others.items():
        cells = (
            _steady(follow(scaler, steady(load), serving, hours=_STEADY_HOURS))
            for load in loads
            for scaler in (before, after)
        )
        yield (name, *cells)


def each_request_rows(inputs: Inputs) -> Iterator[Row]:
    """Steady loads where each request is followed, as chance has it. Takes minutes."""
    serving = replica(inputs)
    before, _, after = scalers().values()
    yield ("load, in replicas", "before", "now")
    for load in _FEW:
        courses = (
            follow(scaler, steady(load), serving, EachRequest(serving, seed=1), hours=4) for scaler in (before, after)
        )
        yield (f"{load:g}", *map(_steady, courses))


def share_rows(inputs: Inputs) -> Iterator[Row]:
    """Of which share of all steady loads between 1 and 6 replicas are not well served. Takes a minute."""
    serving = replica(inputs)
    yield ("it looks at", "hunts", "is late at times", "replicas, on average")
    for name, scaler in scalers().items():
        courses = [follow(scaler, steady(load), serving, hours=3) for load in _FINE]
        yield (
            name,
            _share(course.changes_an_hour > 0 for course in courses),
            _share(course.late_share > 0 for course in courses),
            f"{sum(course.mean for course in courses) / len(courses):.1f}",
        )


def _steady(course: Course) -> str:
    if course.fewest == course.most:
        return f"{course.most}" + _late(course)
    return f"{course.fewest} to {course.most}, {course.changes_an_hour:.0f} changes an hour{_late(course)}"


def _changing(course: Course) -> str:
    return (
        f"{course.fewest} to {course.most}, {course.mean:.1f} on average, "
        f"{24 * course.changes_an_hour:.0f} changes a day{_late(course)}"
    )


def _late(course: Course) -> str:
    return f", late {100 * course.late_share:.1f} % of the time" if course.late_share else ""


def _share(of: Iterable[bool]) -> str:
    found = list(of)
    return f"{100 * sum(found) / len(found):.0f} %"

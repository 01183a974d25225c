"""Runs that Kubeflow starts by itself: one at a time, and without making up for those that it missed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.submit.kubeflow import Kubeflow
from pipelines.submit.start import Order, experiment_id
from pipelines.submit.version import Version
from sparseinst.errors import ConfigError
from sparseinst.settings import suggest

_SECONDS = {"m": 60, "h": 3600, "d": 86400}
_EVERY = re.compile(r"([1-9]\d*)([mhd])")
# Seconds to days of the week. Kubeflow counts with seconds, crontab without.
_FIELDS = 6
_FIELD = re.compile(r"[\d*?/,\-A-Za-z]+")
_EXAMPLES = "'24h', or as in crontab '0 3 * * 1' (Mondays at 3:00, in UTC)"


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When: every so many seconds, or at the times of a cron expression with six fields."""

    interval_s: int | None = None
    cron: str | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    id: str
    name: str
    when: str
    enabled: bool
    version_id: str


def rhythm_of(text: str) -> Rhythm:
    """An interval, "24h" or "30m"; or a cron expression with five fields, or six with the seconds first.

    Raises:
        ConfigError: It is neither.
    """
    if every := _EVERY.fullmatch(text.strip()):
        return Rhythm(interval_s=int(every[1]) * _SECONDS[every[2]])
    fields = text.split()
    if len(fields) == _FIELDS - 1:
        fields = ["0", *fields]
    if len(fields) != _FIELDS or not all(_FIELD.fullmatch(field) for field in fields):
        raise ConfigError(f"'{text}' says no time.", where="--schedule", fix=f"Give {_EXAMPLES}.")
    return Rhythm(cron=" ".join(fields))


def create(kubeflow: Kubeflow, version: Version, order: Order, rhythm: Rhythm) -> str:
    """Makes the schedule and gives its id.

    Raises:
        ConfigError: There is one of this name.
        ClusterError: Kubeflow refused.
    """
    if any(found.name == order.name for found in schedules(kubeflow)):
        raise ConfigError(
            f"There is a schedule named '{order.name}'.",
            where="--schedule",
            fix=f"Remove it first, UNSCHEDULE={order.name}, or give another name, RUN_NAME=…",
        )
    experiment = experiment_id(kubeflow, order.experiment)
    made = kubeflow.ask(
        "make the schedule",
        lambda sdk: sdk.create_recurring_run(
            experiment,
            order.name,
            interval_second=rhythm.interval_s,
            cron_expression=rhythm.cron,
            max_concurrency=1,
            no_catchup=True,
            params=dict(order.parameters),
            pipeline_id=version.pipeline_id,
            version_id=version.version_id,
            service_account=order.service_account or None,
        ),
    )
    return str(made.recurring_run_id)


def schedules(kubeflow: Kubeflow) -> list[Schedule]:
    """All that there are, in the namespace if Kubeflow has several users."""

    def page(sdk: Any, **at: Any) -> Any:
        return sdk.list_recurring_runs(namespace=kubeflow.namespace, **at)

    return [_schedule(found) for found in kubeflow.every("list the schedules", "recurring_runs", page)]


def remove(kubeflow: Kubeflow, name: str) -> None:
    """Deletes the schedule. Runs that it started go on.

    Raises:
        ConfigError: There is none of this name.
    """
    found = _by_name(kubeflow, name)
    kubeflow.ask("remove the schedule", lambda sdk: sdk.delete_recurring_run(found.id))


def pause(kubeflow: Kubeflow, name: str) -> None:
    """Keeps the schedule from starting runs, until `resume`."""
    found = _by_name(kubeflow, name)
    kubeflow.ask("pause the schedule", lambda sdk: sdk.disable_recurring_run(found.id))


def resume(kubeflow: Kubeflow, name: str) -> None:
    """Lets the schedule start runs again."""
    found = _by_name(kubeflow, name)
    kubeflow.ask("resume the schedule", lambda sdk: sdk.enable_recurring_run(found.id))


def lines_of(found: Sequence[Schedule]) -> list[str]:
    """One line a schedule."""
    if not found:
        return ["no schedules"]
    width = max(len(each.name) for each in found)
    return [f"  {each.name:<{width}}  {'on ' if each.enabled else 'off'}  {each.when}" for each in found]


def _by_name(kubeflow: Kubeflow, name: str) -> Schedule:
    found = schedules(kubeflow)
    for each in found:
        if each.name == name:
            return each
    known = [each.name for each in found]
    raise ConfigError(
        f"There is no schedule named '{name}'.",
        where=kubeflow.connection.host,
        fix=suggest(name, known) if known else "",
    )


def _schedule(found: Any) -> Schedule:
    trigger = found.trigger
    if trigger and trigger.cron_schedule:
        when = f"at '{trigger.cron_schedule.cron}' UTC (second, minute, hour, day, month, weekday)"
    elif trigger and trigger.periodic_schedule:
        when = _every(int(trigger.periodic_schedule.interval_second))
    else:
        when = "?"
    reference = found.pipeline_version_reference
    version = (reference and reference.pipeline_version_id) or ""
    return Schedule(found.recurring_run_id, found.display_name, when, found.status == "ENABLED", version)


def _every(seconds: int) -> str:
    for unit, size in sorted(_SECONDS.items(), key=lambda item: -item[1]):
        if seconds % size == 0:
            return f"every {seconds // size}{unit}"
    return f"every {seconds} s"

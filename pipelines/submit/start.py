"""Creating a run. If the connection breaks just then, the run is looked for before anyone starts it a second time."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.submit.errors import KubeflowAway
from pipelines.submit.kubeflow import Kubeflow, by_name
from pipelines.submit.patience import Pace, patiently
from pipelines.submit.version import Version


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What a run, or each run of a schedule, is made of."""

    name: str
    experiment: str
    parameters: Mapping[str, Any]
    service_account: str


def run_name(preset: str, now: float) -> str:
    """A name that no other run has: the preset, the time, and four random digits."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(now))
    return f"sparseinst-{preset}-{stamp}-{secrets.token_hex(2)}"


def experiment_id(kubeflow: Kubeflow, name: str) -> str:
    """The experiment of this name, made if there is none."""

    def page(sdk: Any, **at: Any) -> Any:
        return sdk.list_experiments(filter=by_name("EQUALS", name), namespace=kubeflow.namespace, **at)

    for found in kubeflow.every("look for the experiment", "experiments", page):
        if found.display_name == name:
            return str(found.experiment_id)
    made = kubeflow.ask("make the experiment", lambda sdk: sdk.create_experiment(name, namespace=kubeflow.namespace))
    return str(made.experiment_id)


def start_run(kubeflow: Kubeflow, version: Version, order: Order, pace: Pace) -> str:
    """Creates the run and gives its id.

    Raises:
        KubeflowAway: The API went away, and it does not have the run.
        ClusterError: It was refused.
    """
    experiment = experiment_id(kubeflow, order.experiment)
    try:
        run = kubeflow.ask(
            "create the run",
            lambda sdk: sdk.run_pipeline(
                experiment,
                order.name,
                params=dict(order.parameters),
                pipeline_id=version.pipeline_id,
                version_id=version.version_id,
                service_account=order.service_account or None,
            ),
        )
    except KubeflowAway:
        run = patiently(lambda: _run_of_name(kubeflow, experiment, order.name), pace)
        if run is None:
            raise
    return str(run.run_id)


def _run_of_name(kubeflow: Kubeflow, experiment: str, name: str) -> Any:
    def page(sdk: Any, **at: Any) -> Any:
        return sdk.list_runs(experiment_id=experiment, sort_by="created_at desc", **at)

    found = kubeflow.every("look whether the run was created", "runs", page)
    return next((run for run in found if run.display_name == name), None)

"""What runs: pod specifications, wherever they stand in an object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml

from tests.conftest import ROOT

COMPILED = ROOT / "pipelines" / "compiled"


@dataclass(frozen=True)
class Workload:
    """Pods that an object makes.

    `lasts`: they run until somebody ends them. `serves`: clients count on them, so that there may be several; not so a
    Deployment that replaces its only pod (strategy Recreate).
    """

    name: str
    labels: Mapping[str, str]
    pod: Mapping[str, Any]
    replicas: int | None = None  # None: somebody else decides
    lasts: bool = True
    serves: bool = True

    @property
    def containers(self) -> list[Mapping[str, Any]]:
        return [*self.pod.get("initContainers", []), *self.pod.get("containers", [])]


def workloads(objects: Sequence[Mapping[str, Any]]) -> list[Workload]:
    """The pods of Deployments, of KServe's services and of TrainingRuntimes."""
    return [found for each in objects for found in _MAKERS.get(each["kind"], _nothing)(each, objects)]


@cache
def steps() -> list[Workload]:
    """The pods of the pipeline's steps, as far as the compiled pipelines say: labels, secrets, volumes.

    Each step once for every different way in which the presets run it.
    """
    found = {}
    for path in sorted(COMPILED.glob("*.yaml")):
        _, platforms = yaml.load_all(path.read_text(), yaml.CSafeLoader)
        executors = platforms["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
        for name, settings in executors.items():
            step = _step(name, settings)
            found[repr(step)] = step
    return list(found.values())


def _nothing(_found: Mapping[str, Any], _objects: Sequence[Mapping[str, Any]]) -> Iterator[Workload]:
    yield from ()


def _deployment(found: Mapping[str, Any], _objects: Sequence[Mapping[str, Any]]) -> Iterator[Workload]:
    template = found["spec"]["template"]
    labels = template["metadata"].get("labels", {})
    yield Workload(
        f"Deployment/{found['metadata']['name']}",
        labels,
        template["spec"],
        found["spec"].get("replicas"),
        serves=found["spec"].get("strategy", {}).get("type") != "Recreate",
    )


def _service(found: Mapping[str, Any], objects: Sequence[Mapping[str, Any]]) -> Iterator[Workload]:
    """KServe puts the runtime's containers and volumes into the predictor's pod."""
    predictor = dict(found["spec"]["predictor"])
    model = predictor.pop("model")
    runtimes = [each for each in objects if each["kind"] == "ServingRuntime"]
    (runtime,) = [each["spec"] for each in runtimes if each["metadata"]["name"] == model["runtime"]]
    pod = {**predictor, "containers": runtime["containers"], "volumes": runtime.get("volumes", [])}
    labels = predictor.get("labels", {})
    yield Workload(f"InferenceService/{found['metadata']['name']}", labels, pod, predictor["minReplicas"])


def _runtime(found: Mapping[str, Any], _objects: Sequence[Mapping[str, Any]]) -> Iterator[Workload]:
    for job in found["spec"]["template"]["spec"]["replicatedJobs"]:
        template = job["template"]["spec"]["template"]
        labels = template.get("metadata", {}).get("labels", {})
        yield Workload(
            f"TrainingRuntime/{found['metadata']['name']}", labels, template["spec"], lasts=False, serves=False
        )


def _step(name: str, settings: Mapping[str, Any]) -> Workload:
    env = [
        {
            "name": key["envVar"],
            "valueFrom": {
                "secretKeyRef": {
                    "name": secret["secretName"],
                    "key": key["secretKey"],
                    "optional": secret.get("optional", False),
                }
            },
        }
        for secret in settings.get("secretAsEnv", [])
        for key in secret["keyToEnv"]
    ]
    claims = [mount["constant"] for mount in settings.get("pvcMount", [])]
    pod = {
        "containers": [{"name": "step", "env": env}],
        "volumes": [{"name": claim, "persistentVolumeClaim": {"claimName": claim}} for claim in claims],
    }
    labels = settings.get("podMetadata", {}).get("labels", {})
    return Workload(f"step {name.removeprefix('exec-')}", labels, pod, lasts=False, serves=False)


_MAKERS = {"Deployment": _deployment, "InferenceService": _service, "TrainingRuntime": _runtime}

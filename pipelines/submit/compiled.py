"""A compiled pipeline, read from its YAML: its parameters, its steps, and what each asks of the cluster.

What is said of a run is read from what is sent, and not from the preset that it was made of.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_LABEL = "app.kubernetes.io/component"  # pipelines/platform puts the step's name there


@dataclass(frozen=True, slots=True)
class Condition:
    """A part of the pipeline that runs only if a step's output says so."""

    task: str
    asks: str  # the step whose output decides


@dataclass(frozen=True, slots=True)
class CompiledStep:
    """One step: a task of the pipeline that runs a container.

    Attributes:
        name: What people call it; "train" also where a task named "train-job" trains.
        task: Its name in the pipeline, which is what the API calls it.
        path: The tasks around it from the root, itself last.
        condition: The innermost condition around it.
        retries: How often it is started again.
        cached: Whether its answer may come from the cache.
        container: Its container: image, resources, and so on.
        pod: What the Kubernetes part of the file adds: volumes, secrets, tolerations.
    """

    name: str
    task: str
    path: tuple[str, ...]
    condition: Condition | None
    retries: int
    cached: bool
    container: Mapping[str, Any]
    pod: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Compiled:
    """`parameters` are the pipeline's own, as the YAML describes each; `steps` are in the order in which they run."""

    parameters: Mapping[str, Mapping[str, Any]]
    steps: tuple[CompiledStep, ...]


def read_compiled(path: Path) -> Compiled:
    """A file that kfp's compiler wrote: the pipeline, and perhaps a second document with its Kubernetes part."""
    documents = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    return from_documents(documents[0], documents[1] if len(documents) > 1 else {})


def from_api(spec: Mapping[str, Any]) -> Compiled:
    """What the API gives as `pipeline_spec`: the pipeline alone, or both documents in one."""
    if "pipeline_spec" in spec:
        return from_documents(spec["pipeline_spec"], spec.get("platform_spec") or {})
    return from_documents(spec, {})


def from_documents(pipeline: Mapping[str, Any], platform: Mapping[str, Any]) -> Compiled:
    """The pipeline from its document and that of its platform."""
    pods = platform.get("platforms", {}).get("kubernetes", {}).get("deploymentSpec", {}).get("executors", {})
    root = pipeline["root"]
    steps = tuple(_steps(pipeline, pods, root["dag"]["tasks"], (), None))
    return Compiled(root.get("inputDefinitions", {}).get("parameters", {}), steps)


def content_hash(path: Path) -> str:
    """The first 12 hex digits of the file's SHA-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def _steps(
    pipeline: Mapping[str, Any],
    pods: Mapping[str, Any],
    tasks: Mapping[str, Any],
    around: tuple[str, ...],
    condition: Condition | None,
) -> Iterator[CompiledStep]:
    for name in _in_order(tasks):
        task = tasks[name]
        component = pipeline["components"][task["componentRef"]["name"]]
        inner = _condition(name, task) or condition
        if "dag" in component:
            yield from _steps(pipeline, pods, component["dag"]["tasks"], (*around, name), inner)
        else:
            yield _step(pipeline, pods, name, task, component["executorLabel"], around, inner)


def _step(
    pipeline: Mapping[str, Any],
    pods: Mapping[str, Any],
    name: str,
    task: Mapping[str, Any],
    label: str,
    around: tuple[str, ...],
    condition: Condition | None,
) -> CompiledStep:
    pod = pods.get(label, {})
    if _ends_the_run(task):  # it runs as the exit hook of the part that it waits for
        around = (*around, f"{task['dependentTasks'][0]}.onExit")
    return CompiledStep(
        name=pod.get("podMetadata", {}).get("labels", {}).get(_LABEL, name),
        task=name,
        path=(*around, name),
        condition=condition,
        retries=int(task.get("retryPolicy", {}).get("maxRetryCount", 0)),
        cached=bool(task.get("cachingOptions", {}).get("enableCache")),
        container=pipeline["deploymentSpec"]["executors"][label].get("container", {}),
        pod=pod,
    )


def _ends_the_run(task: Mapping[str, Any]) -> bool:
    return task.get("triggerPolicy", {}).get("strategy") == "ALL_UPSTREAM_TASKS_COMPLETED"


def _condition(name: str, task: Mapping[str, Any]) -> Condition | None:
    if "condition" not in task.get("triggerPolicy", {}):
        return None
    said = task["triggerPolicy"]["condition"]
    for parameter, origin in task.get("inputs", {}).get("parameters", {}).items():
        if parameter in said and "taskOutputParameter" in origin:
            return Condition(name, origin["taskOutputParameter"]["producerTask"])
    return Condition(name, "")


def _in_order(tasks: Mapping[str, Any]) -> list[str]:
    """The tasks' names, each after those that it depends on."""
    left, done = sorted(tasks), list[str]()
    while left:
        name = next(name for name in left if set(tasks[name].get("dependentTasks", ())) <= set(done))
        left.remove(name)
        done.append(name)
    return done

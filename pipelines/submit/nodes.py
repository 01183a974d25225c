"""Which pods a step ran in. The API does not say it (kubeflow/pipelines#14007), but Argo's names follow a rule.

KFP compiles the pipeline into an Argo workflow in which a step is a chain of nodes: the workflow, "root", the tasks
around the step, the step, and its "executor", whose attempts are "executor(0)", "executor(1)" where it may be retried
(backend/src/v2/compiler/argocompiler in kubeflow/pipelines: argo.go, dag.go, container.go). Argo calls a node
<workflow>-<FNV-1a hash of the names of that chain, joined by dots>, and its pod
<workflow>-<template>-<the same hash> (workflow/util/pod_name.go in argoproj/argo-workflows).

What the API does give, as `child_tasks[].pod_name`, are the nodes' names; so each guess is checked against them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from pipelines.submit.compiled import CompiledStep

_DRIVER = "system-container-driver"


@dataclass(frozen=True, slots=True)
class Pod:
    name: str
    attempt: int


def pods_of(step: CompiledStep, nodes: Iterable[str]) -> list[Pod]:
    """The pods in which the step was tried, the last one first; none where it was not.

    An answer from the cache leaves a node without a pod. With retries it is told apart: there is no first attempt.

    Args:
        step: The step.
        nodes: The names of nodes that the API gave.
    """
    known = set(nodes)
    workflow = workflow_of(known)
    if not workflow:
        return []
    executor = ".".join((workflow, "root", *step.path, "executor"))
    names = (f"{executor}({attempt})" for attempt in count()) if step.retries else (executor,)
    found = []
    for attempt, name in enumerate(names):
        if node_id(workflow, name) not in known:
            break
        found.append(Pod(_pod(workflow, _template(step), name), attempt))
    return found[::-1]


def driver_of(step: CompiledStep, nodes: Iterable[str]) -> Pod | None:
    """The pod that looks the step's inputs up before it starts."""
    known = set(nodes)
    workflow = workflow_of(known)
    name = ".".join((workflow, "root", *step.path[:-1], f"{step.task}-driver"))
    return Pod(_pod(workflow, _DRIVER, name), 0) if node_id(workflow, name) in known else None


def workflow_of(nodes: Iterable[str]) -> str:
    """The workflow's name, which all its nodes begin with."""
    names = Counter(name.rpartition("-")[0] for name in nodes)
    return names.most_common(1)[0][0] if names else ""


def node_id(workflow: str, name: str) -> str:
    """Argo's id of the node with this chain of names."""
    return f"{workflow}-{_hash(name)}"


def _pod(workflow: str, template: str, name: str) -> str:
    return f"{workflow}-{template}-{_hash(name)}"


def _template(step: CompiledStep) -> str:
    """KFP has one template for all steps, but others for those with retries or with labels."""
    template = "retry-system-container-impl" if step.retries else "system-container-impl"
    metadata: Mapping[str, Any] = step.pod.get("podMetadata", {})
    if not metadata:
        return template
    return f"metadata-{len(metadata.get('annotations', {}))}-{len(metadata.get('labels', {}))}-{template}"


def _hash(text: str) -> int:
    """FNV-1a, 32 bits."""
    value = 0x811C9DC5
    for byte in text.encode():
        value = (value ^ byte) * 0x01000193 % 2**32
    return value

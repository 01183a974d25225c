"""What a TrainJob and its pods say about themselves, read from their JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sparseinst.cluster.manifest import CONTAINER

# A pod's label since Kubernetes 1.28, an annotation before and since.
_INDEX = "batch.kubernetes.io/job-completion-index"
# A container that waits for one of these is on its way.
_ORDINARY = frozenset({"", "ContainerCreating", "PodInitializing"})


@dataclass(frozen=True, slots=True)
class Condition:
    kind: str  # Complete, Failed, Suspended
    reason: str
    message: str


def condition(job: Mapping[str, Any], *kinds: str) -> Condition | None:
    """The first condition of these kinds that is true."""
    for found in job.get("status", {}).get("conditions", ()):
        if found["type"] in kinds and found["status"] == "True":
            return Condition(found["type"], found.get("reason", ""), found.get("message", ""))
    return None


def outcome(job: Mapping[str, Any]) -> Condition | None:
    """Complete or Failed, or None while the job goes on."""
    return condition(job, "Complete", "Failed")


def node_of(pod: Mapping[str, Any]) -> int:
    """Which node of the training the pod is; -1 where it does not say."""
    metadata = pod["metadata"]
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    return int(labels.get(_INDEX, annotations.get(_INDEX, -1)))


def node_zero(pods: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The pod of node 0, where rank 0 writes the log, once it has started; the newest where there are several."""
    started = [pod for pod in pods if node_of(pod) == 0 and phase(pod) not in {"Pending", "Unknown"}]
    return max(started, key=lambda pod: pod["metadata"].get("creationTimestamp") or "", default=None)


def phase(pod: Mapping[str, Any]) -> str:
    return pod.get("status", {}).get("phase", "Pending")


def has_ended(pod: Mapping[str, Any]) -> bool:
    return phase(pod) in {"Succeeded", "Failed"}


def waiting_reasons(pods: Iterable[Mapping[str, Any]]) -> list[str]:
    """Why nodes do not run yet, one line for each node that says why: no room, no image, no volume."""
    lines = []
    for pod in sorted(pods, key=node_of):
        if phase(pod) != "Pending":
            continue
        status = pod.get("status", {})
        for found in status.get("conditions", ()):
            if found["type"] == "PodScheduled" and found["status"] == "False":
                lines.append(f"node {node_of(pod)}: {found.get('reason', '')}: {found.get('message', '')}")
        for container in _containers(status):
            waiting = container.get("state", {}).get("waiting") or {}
            if waiting.get("reason", "") not in _ORDINARY:
                lines.append(f"node {node_of(pod)}: {waiting['reason']}: {waiting.get('message', '')}".rstrip(": "))
    return lines


def ending(pod: Mapping[str, Any]) -> str:
    """How the pod's container ended, e.g. "exit code 137, OOMKilled"; empty where it ended well or goes on."""
    for container in _containers(pod.get("status", {})):
        if container["name"] != CONTAINER:
            continue
        for state in (container.get("state", {}), container.get("lastState", {})):
            ended = state.get("terminated")
            if ended and ended.get("exitCode"):
                return f"exit code {ended['exitCode']}, {ended.get('reason', 'Error')}"
    status = pod.get("status", {})
    return ": ".join(filter(None, (status.get("reason"), status.get("message")))) if phase(pod) == "Failed" else ""


def ended_at(pod: Mapping[str, Any]) -> str:
    """When the container ended, as the API writes times; late where it does not say."""
    for container in _containers(pod.get("status", {})):
        ended = container.get("state", {}).get("terminated") or container.get("lastState", {}).get("terminated") or {}
        if ended.get("finishedAt"):
            return str(ended["finishedAt"])
    return "~"


def event_line(event: Mapping[str, Any]) -> str:
    about = event["involvedObject"]
    message = " ".join(str(event.get("message", "")).split())
    return f"{about.get('kind', '')} {about.get('name', '')}: {event.get('reason', '')}: {message}"


def _containers(status: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]

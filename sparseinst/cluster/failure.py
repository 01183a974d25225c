"""Why a TrainJob failed, for the step's last words: how its pods ended, their last lines, the cluster's warnings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from sparseinst.cluster.api import TrainJobApi
from sparseinst.cluster.standing import ended_at, ending, event_line, node_of, waiting_reasons

_PODS, _LINES, _EVENTS = 3, 15, 8


def last_words(api: TrainJobApi, name: str, remembered: Iterable[str]) -> list[str]:
    """Lines that tell what is known, the pods that failed first before the others.

    What cannot be read is left out: this is asked for when something has gone wrong already.

    Args:
        remembered: Node 0's last lines as they were streamed: the pod itself may be gone.
    """
    lines: list[str] = []
    pods = _pods(api, name)
    failed = sorted((pod for pod in pods if ending(pod)), key=ended_at)
    for pod in failed[:_PODS]:
        lines.append(f"node {node_of(pod)} ({pod['metadata']['name']}): {ending(pod)}")
        lines += [f"  {line}" for line in _tail(api, pod["metadata"]["name"])]
    if len(failed) > _PODS:
        lines.append(f"and {len(failed) - _PODS} more nodes failed")
    if not failed and (kept := list(remembered)[-_LINES:]):
        lines += ["node 0 said last:", *(f"  {line}" for line in kept)]
    lines += waiting_reasons(pods)
    return lines + [f"event: {event_line(event)}" for event in _warnings(api, name)[-_EVENTS:]]


def _pods(api: TrainJobApi, name: str) -> Sequence[Mapping[str, Any]]:
    try:
        return api.pods(name)
    except (ApiException, HTTPError):
        return []


def _tail(api: TrainJobApi, pod: str) -> Sequence[str]:
    try:
        return api.tail(pod, _LINES)
    except (ApiException, HTTPError):
        return []


def _warnings(api: TrainJobApi, name: str) -> Sequence[Mapping[str, Any]]:
    try:
        return api.warnings(name)
    except (ApiException, HTTPError):
        return []

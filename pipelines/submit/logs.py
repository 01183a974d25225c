"""The last lines of a step that failed, and what a step that does not start waits for.

Logs are not in KFP's API of version 2. Two servers have them: the UI's (`/k8s/pod/logs`, and `/k8s/pod` for the pod
itself; frontend/server/handlers/pod-logs.ts and pod-info.ts in kubeflow/pipelines), which is what KFP_HOST mostly is,
and the API server itself (`/apis/v1alpha1/runs/{run}/nodes/{node}/log`, backend/src/apiserver/main.go; later releases
also below /apis/v2beta1), where KFP_HOST is a port forward to it. Both want the pod's name.
"""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from urllib3.exceptions import HTTPError

from pipelines.submit.connection import Connection
from pipelines.submit.nodes import Pod
from sparseinst.cluster.standing import waiting_reasons

_LINES = 20
# KFP's launcher and Argo speak in the same log as the step.
_MACHINERY = re.compile(r'[IWEF]\d{4} \d\d:\d\d:\d\d|time="\S+" level=|\[KFP Executor |Error: exit status \d+$')
# The launcher always ends with 1; how its child ended it only says.
_EXIT_STATUS = re.compile(r"failed to execute component: .*\bexit status (\d+)")
_KILLED = re.compile(r"failed to execute component: .*\bsignal: killed")
KILLED = 128 + signal.SIGKILL
_DEFAULT_NAMESPACE = "kubeflow"  # where KFP for one user runs its pods


@dataclass(frozen=True, slots=True)
class LastWords:
    """`lines` are the step's own, without the machinery's; `why_none` says why there are none.

    `exit_code` is the step's, None where its log does not say it.
    """

    lines: tuple[str, ...]
    exit_code: int | None
    source: str
    why_none: str = ""


def last_words(connection: Connection, run_id: str, created: str, pods: Sequence[Pod]) -> LastWords:
    """The end of the log of the first of these pods that has one."""
    if not pods:
        return LastWords((), None, "", "the API does not tell in which pod it ran")
    said: dict[str, None] = {}
    for pod in pods:
        for source, path, query in _places(connection, run_id, created, pod):
            text, why = _fetch(connection, path, query)
            if text is not None:
                return LastWords(_own(text), _exit_code(text), f"{pod.name}, by {source}")
            said[f"{source}: {why}"] = None
    return LastWords((), None, "", "; ".join(said))


def waits_for(connection: Connection, pods: Sequence[Pod]) -> list[str]:
    """Why the pod does not run yet: no room, no image, no volume. Empty where nobody says it."""
    if not pods:
        return []
    query = {"podname": pods[0].name, "podnamespace": connection.namespace or _DEFAULT_NAMESPACE}
    text, _ = _fetch(connection, "/k8s/pod", query)
    try:
        pod: Any = json.loads(text or "null")
    except ValueError:
        return []
    if not isinstance(pod, dict) or "metadata" not in pod:
        return []
    # Without the number of a TrainJob's node, which it is not.
    return [line.partition(": ")[2] for line in waiting_reasons([pod])]


def _places(connection: Connection, run_id: str, created: str, pod: Pod) -> Iterator[tuple[str, str, dict[str, str]]]:
    query = {"podname": pod.name, "runid": run_id, "createdat": created}
    if connection.namespace:
        query["podnamespace"] = connection.namespace
    yield "the UI's server", "/k8s/pod/logs", query
    for version in ("v2beta1", "v1alpha1"):
        yield f"the API {version}", f"/apis/{version}/runs/{run_id}/nodes/{pod.name}/log", {}


def _fetch(connection: Connection, path: str, query: dict[str, str]) -> tuple[str | None, str]:
    """The text there, or None and why not. The UI's server gives its start page for a path that it does not know."""
    try:
        answer = connection.get(path, **query)
    except HTTPError as error:
        return None, f"no answer ({type(error).__name__})"
    text = answer.data.decode("utf-8", "replace")
    if answer.status != 200:
        return None, f"HTTP {answer.status} {' '.join(text.split())[:120]}".rstrip()
    if "html" in answer.headers.get("Content-Type", ""):
        return None, "a web page instead of a log"
    return text, ""


def _own(text: str) -> tuple[str, ...]:
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    own = [line for line in lines if not _MACHINERY.match(line)]
    return tuple((own or lines)[-_LINES:])


def _exit_code(text: str) -> int | None:
    found = _EXIT_STATUS.findall(text)
    if not found and _KILLED.search(text):
        return KILLED
    return int(found[-1]) if found else None

"""Probes that ask what is there, in the time that they are given."""

from __future__ import annotations

from pathlib import PurePosixPath

from tests.deploy.workloads import workloads

PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
_START_S = 300  # a cold start fetches hundreds of megabytes, loads and warms up


def what_serves_is_probed(objects):
    """All three probes, and minutes for the start; a probe that needs several good answers is refused but for ready."""
    for work in workloads(objects):
        for container in work.containers:
            said = f"{work.name}: container {container['name']}"
            for name in PROBES:
                if work.serves and name not in container:
                    yield f"{said} has no {name}"
                if name != "readinessProbe" and container.get(name, {}).get("successThreshold", 1) != 1:
                    yield f"{said}: {name} with a successThreshold is refused"
            start = container.get("startupProbe", {})
            if work.serves and start.get("periodSeconds", 10) * start.get("failureThreshold", 3) < _START_S:
                yield f"{said} has less than {_START_S} s to start"


def probes_ask_what_is_there(objects):
    """A port of the container, a path that begins at the root, a script that is mounted."""
    maps = {each["metadata"]["name"]: each.get("data", {}) for each in objects if each["kind"] == "ConfigMap"}
    for work in workloads(objects):
        for container in work.containers:
            ports = {port.get(key) for port in container.get("ports", []) for key in ("name", "containerPort")}
            for name in PROBES:
                probe, said = container.get(name, {}), f"{work.name}: {name} of {container['name']}"
                for kind in ("httpGet", "tcpSocket", "grpc"):
                    if kind in probe and probe[kind]["port"] not in ports:
                        yield f"{said} asks the port {probe[kind]['port']}, which is none of the container's"
                if not probe.get("httpGet", {}).get("path", "/").startswith("/"):
                    yield f"{said}: a path begins with /"
                for script in _scripts(probe):
                    if script not in _files(work, container, maps):
                        yield f"{said} runs {script}, which is nowhere mounted"


def probes_have_the_time_they_need(objects):
    """A command with a deadline of its own ends before kubelet kills it, and says why."""
    for work in workloads(objects):
        for container in work.containers:
            for name in PROBES:
                probe = container.get(name, {})
                for part in probe.get("exec", {}).get("command", []):
                    if part.startswith("--deadline="):
                        deadline, limit = float(part.partition("=")[2]), probe.get("timeoutSeconds", 1)
                        if deadline >= limit:
                            yield f"{work.name}: {name} decides in {deadline} s and is killed after {limit}"


def _scripts(probe):
    return [part for part in probe.get("exec", {}).get("command", []) if part.startswith("/") and part.endswith(".py")]


def _files(work, container, maps):
    """The files that ConfigMaps put into a container."""
    sources = {volume["name"]: volume.get("configMap", {}).get("name") for volume in work.pod.get("volumes", [])}
    return {
        str(PurePosixPath(mount["mountPath"]) / key)
        for mount in container.get("volumeMounts", [])
        for key in maps.get(sources.get(mount["name"]), {})
    }

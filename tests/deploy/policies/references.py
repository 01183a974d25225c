"""What an object names is there."""

from __future__ import annotations

import re

from tests.deploy.workloads import workloads

_VARIABLE = re.compile(r"(?<!\$)\$\(([-._a-zA-Z][-._a-zA-Z0-9]*)\)")

# Kubeflow's own, and Kubernetes'.
ELSEWHERE = {("Secret", "mlpipeline-minio-artifact"), ("ConfigMap", "kfp-launcher"), ("ServiceAccount", "default")}


def everything_named_is_declared(objects, around, pods=()):
    """Secrets, ConfigMaps, volumes, accounts and priorities that pods name are in `objects` or in `around`."""
    there = {(each["kind"], each["metadata"]["name"]): each for each in [*around, *objects]}
    for work in (*workloads(objects), *pods):
        for kind, name, key in _named(work.pod):
            found = there.get((kind, name))
            if found is None and (kind, name) not in ELSEWHERE:
                yield f"{work.name}: {kind}/{name} is nowhere declared"
            elif found is not None and key and key not in {**found.get("data", {}), **found.get("stringData", {})}:
                yield f"{work.name}: {kind}/{name} has no key {key}"


def bindings_bind_what_there_is(objects, around):
    there = {(each["kind"], each["metadata"]["name"]) for each in [*around, *objects]}
    for each in objects:
        if each["kind"] in {"RoleBinding", "ClusterRoleBinding"}:
            ends = [each["roleRef"], *each["subjects"]]
            for kind, name in ((end["kind"], end["name"]) for end in ends):
                if (kind, name) not in there:
                    yield f"{each['kind']}/{each['metadata']['name']}: {kind}/{name} is nowhere declared"


def variables_are_set_before_they_are_used(objects, around):
    """$(NAME) in arguments is replaced by kubelet; in a variable's value only if NAME stands above it."""
    there = {(each["kind"], each["metadata"]["name"]): each for each in [*around, *objects]}
    for work in workloads(objects):
        for container in work.containers:
            known = _keys(container.get("envFrom", []), there)
            for entry in container.get("env", []):
                for name in set(_VARIABLE.findall(entry.get("value", ""))) - known:
                    yield f"{work.name}: {entry['name']} uses $({name}), which is not set above it"
                known.add(entry["name"])
            arguments = " ".join((*container.get("command", []), *container.get("args", [])))
            for name in sorted(set(_VARIABLE.findall(arguments)) - known):
                yield f"{work.name}: an argument uses $({name}), which nothing sets"


def mounts_have_their_volumes(objects):
    """And no volume is there for nothing, nor a path taken twice."""
    for work in workloads(objects):
        volumes = [volume["name"] for volume in work.pod.get("volumes", [])]
        used = set()
        for container in work.containers:
            mounts = container.get("volumeMounts", [])
            for mount in mounts:
                used.add(mount["name"])
                if mount["name"] not in volumes:
                    yield f"{work.name}: {mount['mountPath']} mounts {mount['name']}, which is no volume"
            paths = [mount["mountPath"] for mount in mounts]
            for path in sorted({path for path in paths if paths.count(path) > 1}):
                yield f"{work.name}: {path} is mounted twice"
        for name in volumes:
            if name not in used or volumes.count(name) > 1:
                yield f"{work.name}: volume {name} is not used, or there twice"


_REFERENCES = {
    "configMap": "ConfigMap",
    "configMapRef": "ConfigMap",
    "configMapKeyRef": "ConfigMap",
    "secret": "Secret",
    "secretRef": "Secret",
    "secretKeyRef": "Secret",
    "persistentVolumeClaim": "PersistentVolumeClaim",
}


def _named(pod):
    """(kind, name, key or "") of everything that a pod names."""
    yield "ServiceAccount", pod.get("serviceAccountName", "default"), ""
    if "priorityClassName" in pod:
        yield "PriorityClass", pod["priorityClassName"], ""
    yield from _referred(pod)


def _referred(value):
    if isinstance(value, list):
        for inner in value:
            yield from _referred(inner)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key in _REFERENCES and isinstance(inner, dict):
                name = inner.get("name") or inner.get("secretName") or inner["claimName"]
                yield _REFERENCES[key], name, inner.get("key", "")
            else:
                yield from _referred(inner)


def _keys(sources, there):
    """The variables that ConfigMaps and secrets set as a whole."""
    kinds = {"configMapRef": "ConfigMap", "secretRef": "Secret"}
    named = [(kinds[key], ref["name"]) for source in sources for key, ref in source.items() if key in kinds]
    return {key for each in named for key in there.get(each, {}).get("data", {})}

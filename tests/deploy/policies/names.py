"""Names, labels, ports and sizes as the API server takes them without a word, which its schemas do not say."""

from __future__ import annotations

import json
import re

from tests.deploy.workloads import workloads

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_DNS_LABEL = re.compile(rf"(?=.{{1,63}}$){_LABEL}")
_DNS_NAME = re.compile(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*")
_QUALIFIED = re.compile(rf"({_LABEL}(\.{_LABEL})*/)?(?=.{{1,63}}$)[A-Za-z0-9]([-\w.]*[A-Za-z0-9])?")
_LABEL_VALUE = re.compile(r"(?=.{0,63}$)([A-Za-z0-9]([-\w.]*[A-Za-z0-9])?)?")
_PORT_NAME = re.compile(r"(?=.{1,15}$)(?=.*[a-z])(?!.*--)[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_ENV_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_KSERVE_NAME = re.compile(r"(?=.{1,50}$)[a-z]([-a-z0-9]*[a-z0-9])?")

# `kubectl apply` keeps the whole object in an annotation, and annotations have this room.
_MOST_BYTES = 262_144
_OLD_LABELS = ("beta.kubernetes.io/", "failure-domain.beta.kubernetes.io/")

CLUSTER_WIDE = {"PriorityClass", "ClusterRole", "ClusterRoleBinding", "Namespace", "ClusterTrainingRuntime"}


def names_are_valid(objects):
    """A Service's name is a host's; most others may have dots. KServe makes hosts of its services' names."""
    for each in objects:
        name = each["metadata"]["name"]
        kind = each["kind"]
        form = {"Service": _DNS_LABEL, "InferenceService": _KSERVE_NAME}.get(kind, _DNS_NAME)
        if not form.fullmatch(name):
            yield f"{kind}/{name}: is no valid name"


def labels_are_valid(objects):
    for each in objects:
        for place, labels in _labels(each):
            for key, value in labels.items():
                if not _QUALIFIED.fullmatch(key):
                    yield f"{each['kind']}/{each['metadata']['name']}: {place}: {key!r} is no key of a label"
                if not isinstance(value, str) or not _LABEL_VALUE.fullmatch(value):
                    yield f"{each['kind']}/{each['metadata']['name']}: {place}: {value!r} is no label"


def nothing_is_deprecated(objects):
    """Of Kubernetes' own: no version on its way to v1, no kind or label that the API server warns of."""
    for each in objects:
        name, (group, _, version) = f"{each['kind']}/{each['metadata']['name']}", each["apiVersion"].rpartition("/")
        is_native = "." not in group or group.endswith(".k8s.io")
        if is_native and ("alpha" in version or "beta" in version):
            yield f"{name}: {each['apiVersion']} will go"
        if (each["apiVersion"], each["kind"]) in {("v1", "Endpoints"), ("v1", "ReplicationController")}:
            yield f"{name}: the kind is deprecated"
        for label in _OLD_LABELS:
            if label in json.dumps(each):
                yield f"{name}: uses a label {label}…, which nodes have under another name now"


def objects_fit_into_an_annotation(objects):
    for each in objects:
        if len(json.dumps(each).encode()) > _MOST_BYTES:
            yield f"{each['kind']}/{each['metadata']['name']}: is too large for `kubectl apply`"


def every_object_says_what_it_belongs_to(objects):
    """So that one finds all of it: kubectl get all -l app.kubernetes.io/part-of=sparseinst."""
    for each in objects:
        if each["metadata"].get("labels", {}).get("app.kubernetes.io/part-of") != "sparseinst":
            yield f"{each['kind']}/{each['metadata']['name']}: has no label app.kubernetes.io/part-of=sparseinst"


def no_namespace_is_written_down(objects):
    """It is the one of `kubectl apply -n`; another one in the object would be an error."""
    for each in objects:
        if "namespace" in each["metadata"]:
            yield f"{each['kind']}/{each['metadata']['name']}: names the namespace {each['metadata']['namespace']}"
        for subject in each.get("subjects", []):
            if "namespace" in subject:
                yield f"{each['kind']}/{each['metadata']['name']}: names the namespace {subject['namespace']}"


def nothing_is_cluster_wide(objects):
    """Who deploys into a namespace needs no rights beyond it."""
    for each in objects:
        if each["kind"] in CLUSTER_WIDE or each["kind"].startswith("Cluster"):
            yield f"{each['kind']}/{each['metadata']['name']}: belongs to the cluster"


def ports_are_named_well(objects):
    for work in workloads(objects):
        ports = [port for container in work.containers for port in container.get("ports", [])]
        yield from _ports(work.name, ports, "containerPort")
    for each in objects:
        if each["kind"] == "Service":
            ports = each["spec"]["ports"]
            yield from _ports(f"Service/{each['metadata']['name']}", ports, "port")
            if len(ports) > 1 and not all(port.get("name") for port in ports):
                yield f"Service/{each['metadata']['name']}: several ports, and one has no name"


def variables_are_named_well(objects):
    for work in workloads(objects):
        for container in work.containers:
            names = [entry["name"] for entry in container.get("env", [])]
            for name in names:
                if not _ENV_NAME.fullmatch(name):
                    yield f"{work.name}: {name!r} is no name of a variable"
            for name in sorted({name for name in names if names.count(name) > 1}):
                yield f"{work.name}: the variable {name} is set twice"


def _ports(where, ports, number):
    names = [port["name"] for port in ports if "name" in port]
    for name in names:
        if not _PORT_NAME.fullmatch(name):
            yield f"{where}: {name!r} is no name of a port"
    for values in (names, [(port[number], port.get("protocol", "TCP")) for port in ports]):
        for value in sorted({value for value in values if values.count(value) > 1}):
            yield f"{where}: the port {value} is there twice"


def _labels(value, place="metadata"):
    """Every mapping of labels in an object: of objects, of templates and in selectors."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in {"labels", "matchLabels", "nodeSelector"} and isinstance(inner, dict):
                yield key, inner
            else:
                yield from _labels(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from _labels(inner, place)

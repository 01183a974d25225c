"""How a pod may run. Each policy gives its findings as sentences; none means that all is well."""

from __future__ import annotations

import re

from tests.deploy.workloads import workloads

_TAG = re.compile(r".+:(?P<tag>[\w][\w.-]{0,127})|.+@sha256:[0-9a-f]{64}")


def images_are_pinned(objects):
    """A tag that says which one, or a digest; never "latest"."""
    for work in workloads(objects):
        for container in work.containers:
            match = _TAG.fullmatch(container["image"])
            if not match or match["tag"] == "latest":
                yield f"{work.name}: image {container['image']} is not pinned"


def resources_are_bounded(objects):
    """CPU and memory are asked for, memory is limited; of what lasts CPU and disk too: others share its node."""
    for work in workloads(objects):
        for container in work.containers:
            given = container.get("resources", {})
            needed = {"requests": {"cpu", "memory"}, "limits": {"memory"}}
            if work.lasts:
                needed["limits"] |= {"cpu", "ephemeral-storage"}
            for part, names in needed.items():
                for name in sorted(names - set(given.get(part, {}))):
                    yield f"{work.name}: container {container['name']} has no {part} of {name}"


def nobody_is_root(objects):
    """And nobody can become it."""
    for work in workloads(objects):
        pod = work.pod.get("securityContext", {})
        for container in work.containers:
            own = {**pod, **container.get("securityContext", {})}
            said = f"{work.name}: container {container['name']}"
            if own.get("runAsNonRoot") is not True or own.get("runAsUser") == 0:
                yield f"{said} may run as root"
            if own.get("allowPrivilegeEscalation") is not False:
                yield f"{said} may gain privileges"
            if own.get("privileged"):
                yield f"{said} is privileged"
            if own.get("capabilities", {}).get("drop") != ["ALL"] or own["capabilities"].get("add"):
                yield f"{said} keeps capabilities"
            if own.get("seccompProfile", {}).get("type") != "RuntimeDefault":
                yield f"{said} may make any system call"


def nothing_of_the_node_is_shared(objects):
    for work in workloads(objects):
        for name in ("hostNetwork", "hostPID", "hostIPC"):
            if work.pod.get(name):
                yield f"{work.name}: {name}"
        for volume in work.pod.get("volumes", []):
            if "hostPath" in volume:
                yield f"{work.name}: volume {volume['name']} is a path of the node"
        for container in work.containers:
            for port in container.get("ports", []):
                if "hostPort" in port:
                    yield f"{work.name}: container {container['name']} takes a port of the node"


def what_lasts_cannot_change_its_image(objects):
    """A read-only root, and a bound for whatever it may write to."""
    for work in workloads(objects):
        for container in work.containers:
            context = container.get("securityContext", {})
            if work.lasts and context.get("readOnlyRootFilesystem") is not True:
                yield f"{work.name}: container {container['name']} can write to its image"
        for volume in work.pod.get("volumes", []):
            if "emptyDir" in volume and not volume["emptyDir"].get("sizeLimit"):
                yield f"{work.name}: volume {volume['name']} has no bound"


def nobody_asks_the_api_without_need(objects):
    """Whoever has a token has an account of its own; and no account's token goes to who did not ask for it."""
    for work in workloads(objects):
        if work.pod.get("automountServiceAccountToken") is not False:
            yield f"{work.name}: gets a token of the Kubernetes API"
        if work.lasts and work.pod.get("serviceAccountName", "default") == "default":
            yield f"{work.name}: runs as the namespace's default account"


def memory_volumes_fit_the_memory(objects):
    """What lies in a volume of medium Memory counts as the container's memory; temporary files as its disk."""
    for work in workloads(objects):
        for volume in work.pod.get("volumes", []):
            directory = volume.get("emptyDir", {})
            size = in_bytes(directory.get("sizeLimit", "0"))
            name = "memory" if directory.get("medium") == "Memory" else "ephemeral-storage"
            bounds = [each.get("resources", {}).get("limits", {}).get(name) for each in work.containers]
            room = sum(in_bytes(bound) for bound in bounds if bound)
            if size and all(bounds) and size >= room:
                yield f"{work.name}: volume {volume['name']} may be larger than the {name} of its pod"


def limits_are_not_below_requests(objects):
    for work in workloads(objects):
        for container in work.containers:
            given = container.get("resources", {})
            for name, limit in given.get("limits", {}).items():
                if in_bytes(given.get("requests", {}).get(name, "0")) > in_bytes(limit):
                    yield f"{work.name}: container {container['name']} asks for more {name} than its limit"


def in_bytes(quantity):
    """A Kubernetes quantity as a number: bytes, or CPUs.

    Raises:
        ValueError: It is none.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?", str(quantity))
    if not match:
        raise ValueError(f"{quantity!r} is no quantity")
    units = {"": 1, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15}
    units |= {f"{name}i": 2 ** (10 * power) for power, name in enumerate("KMGTP", start=1)}
    return float(match[1]) * units[match[2] or ""]

"""Who reaches whom: selectors that select, and ports that are there."""

from __future__ import annotations

from ipaddress import ip_network

from tests.deploy.workloads import workloads


def services_select_pods(objects):
    """Each Service has pods, and each of its ports is one of theirs."""
    works = workloads(objects)
    for each in objects:
        if each["kind"] != "Service":
            continue
        name = f"Service/{each['metadata']['name']}"
        selected = [work for work in works if selects({"matchLabels": each["spec"]["selector"]}, work.labels)]
        if not selected:
            yield f"{name}: selects no pod"
        for port in each["spec"]["ports"]:
            target = port.get("targetPort", port["port"])
            for work in selected:
                if target not in _ports(work):
                    yield f"{name}: {work.name} has no port {target}"


def policies_select_pods(objects, pods=()):
    """Each NetworkPolicy has pods, and so has each peer that it names in its own namespace; `pods`: those of others."""
    everybody = [*workloads(objects), *pods]
    for each in objects:
        if each["kind"] != "NetworkPolicy":
            continue
        name = f"NetworkPolicy/{each['metadata']['name']}"
        own = [work for work in everybody if selects(each["spec"]["podSelector"], work.labels)]
        if not own:
            yield f"{name}: selects no pod"
        for direction, peers in (("ingress", "from"), ("egress", "to")):
            for rule in each["spec"].get(direction, []):
                if direction not in {kind.lower() for kind in each["spec"]["policyTypes"]}:
                    yield f"{name}: has rules of {direction}, which it does not decide"
                local = [
                    peer for peer in rule.get(peers, []) if "podSelector" in peer and "namespaceSelector" not in peer
                ]
                selected = [work for peer in local for work in everybody if selects(peer["podSelector"], work.labels)]
                if local and not selected:
                    yield f"{name}: a rule of {direction} names pods that are not there"
                for port in rule.get("ports", []):
                    targets = own if direction == "ingress" else selected
                    if isinstance(port["port"], str) and not all(port["port"] in _ports(work) for work in targets):
                        yield f"{name}: the port {port['port']} is none of the pods' that it selects"


def nothing_is_open_by_default(objects):
    """Every pod has policies for both directions, which forbid what none of them allows."""
    for work in workloads(objects):
        directions = {
            kind
            for each in objects
            if each["kind"] == "NetworkPolicy" and selects(each["spec"]["podSelector"], work.labels)
            for kind in each["spec"]["policyTypes"]
        }
        for missing in sorted({"Ingress", "Egress"} - directions):
            yield f"{work.name}: nothing limits its {missing.lower()}"


def nobody_reaches_the_nodes_credentials(objects):
    """Addresses outside the cluster leave out the cloud's metadata service, 169.254.169.254."""
    for each in objects:
        if each["kind"] != "NetworkPolicy":
            continue
        for rule in each["spec"].get("egress", []):
            peers = rule.get("to", [])
            if not peers:
                yield f"NetworkPolicy/{each['metadata']['name']}: a rule of egress lets everything out"
            for block in (peer["ipBlock"] for peer in peers if "ipBlock" in peer):
                if block["cidr"] == "0.0.0.0/0" and "169.254.0.0/16" not in block.get("except", []):
                    yield f"NetworkPolicy/{each['metadata']['name']}: reaches the metadata service"


def addresses_are_networks(objects):
    """Without bits beyond their length; and exceptions are within what they except from."""
    for each in objects:
        if each["kind"] != "NetworkPolicy":
            continue
        rules = [*each["spec"].get("ingress", []), *each["spec"].get("egress", [])]
        peers = [peer for rule in rules for peer in (*rule.get("from", []), *rule.get("to", []))]
        for block in (peer["ipBlock"] for peer in peers if "ipBlock" in peer):
            for written in (block["cidr"], *block.get("except", [])):
                try:
                    within = ip_network(written).subnet_of(ip_network(block["cidr"]))
                except (ValueError, TypeError):
                    within = False
                if not within:
                    yield f"NetworkPolicy/{each['metadata']['name']}: {written} is no network within {block['cidr']}"


def selects(selector, labels):
    """Whether a label selector takes these labels; an empty one takes all."""
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    return all(_holds(each, labels) for each in selector.get("matchExpressions", []))


def _holds(expression, labels):
    key, values = expression["key"], expression.get("values", [])
    return {
        "In": labels.get(key) in values,
        "NotIn": labels.get(key) not in values,
        "Exists": key in labels,
        "DoesNotExist": key not in labels,
    }[expression["operator"]]


def _ports(work):
    ports = [port for container in work.containers for port in container.get("ports", [])]
    return {port[key] for port in ports for key in ("name", "containerPort") if key in port}

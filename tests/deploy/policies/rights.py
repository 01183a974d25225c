"""What accounts may do."""

from __future__ import annotations

# Verbs that Kubernetes asks about without a name: resourceNames beside them allow nothing.
_NAMELESS = {"create", "deletecollection"}
# With these one gets other accounts' rights, or runs anything.
_POWERS = {
    ("", "pods"): {"create", "update", "patch"},
    ("", "pods/exec"): {"create", "get"},
    ("", "serviceaccounts/token"): {"create"},
    ("rbac.authorization.k8s.io", "roles"): {"escalate", "bind", "create", "update", "patch"},
    ("rbac.authorization.k8s.io", "rolebindings"): {"bind", "create", "update", "patch"},
}


def granted(role):
    """(group, resource, name or "") -> verbs."""
    found = {}
    for rule in role["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                for name in rule.get("resourceNames", [""]):
                    found.setdefault((group, resource, name), set()).update(rule["verbs"])
    return found


def rights_are_the_least(objects):
    """No wildcards, no secret but by its name, nothing with which one gets more rights; only within the namespace."""
    for each in objects:
        if each["kind"] in {"ClusterRole", "ClusterRoleBinding"}:
            yield f"{each['kind']}/{each['metadata']['name']}: holds in all namespaces"
        if each["kind"] not in {"Role", "ClusterRole"}:
            continue
        name = f"{each['kind']}/{each['metadata']['name']}"
        for (group, resource, named), verbs in granted(each).items():
            if "*" in {group, resource} | verbs:
                yield f"{name}: everything of {group or 'core'}/{resource}"
            if resource == "secrets" and not named:
                yield f"{name}: all secrets"
            if powers := verbs & _POWERS.get((group, resource), set()):
                yield f"{name}: {', '.join(sorted(powers))} of {resource} gives more rights"
            if named and verbs & _NAMELESS:
                yield f"{name}: {resource} {named}: a name beside {', '.join(sorted(verbs & _NAMELESS))} allows nothing"


def accounts_have_a_purpose(objects):
    """Each is used: by pods of ours, by a binding, or by a secret store."""
    text = [each for each in objects if each["kind"] != "ServiceAccount"]
    for each in objects:
        if each["kind"] == "ServiceAccount" and not _mentioned(each["metadata"]["name"], text):
            yield f"ServiceAccount/{each['metadata']['name']}: nobody uses it"


def _mentioned(name, value, key=""):
    if isinstance(value, dict):
        return any(_mentioned(name, inner, inner_key) for inner_key, inner in value.items())
    if isinstance(value, list):
        return any(_mentioned(name, inner, key) for inner in value)
    return value == name and key in {"serviceAccountName", "name"}

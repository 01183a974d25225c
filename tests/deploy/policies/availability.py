"""That it goes on serving: while nodes are drained, replicas come and go, and pods end."""

from __future__ import annotations

import re

from tests.deploy.policies.network import selects
from tests.deploy.workloads import workloads

_EXIT_TIMEOUT = re.compile(r"--exit-timeout-secs=(?:\$\((\w+)\)|(\d+))")


def budgets_fit_their_pods(objects):
    """A PodDisruptionBudget has pods, lets one go, and does not let all go where there are several."""
    for each in objects:
        if each["kind"] != "PodDisruptionBudget":
            continue
        name, spec = f"PodDisruptionBudget/{each['metadata']['name']}", each["spec"]
        selected = [work for work in workloads(objects) if selects(spec["selector"], work.labels)]
        if not selected:
            yield f"{name}: selects no pod"
        if ("minAvailable" in spec) == ("maxUnavailable" in spec):
            yield f"{name}: needs either minAvailable or maxUnavailable"
            continue
        for work in selected:
            least = least_replicas(work, objects)
            gone = spec["maxUnavailable"] if "maxUnavailable" in spec else least - spec["minAvailable"]
            if gone < 1:
                yield f"{name}: with {least} replicas of {work.name} no node can be drained"
            if least > 1 and gone >= least:
                yield f"{name}: lets all {least} replicas of {work.name} go at once"


def autoscalers_fit_their_targets(objects):
    """Their target is there, leaves the number of replicas to them, and asks for what is measured against it."""
    there = {(each["kind"], each["metadata"]["name"]): each for each in objects}
    for each in objects:
        if each["kind"] != "HorizontalPodAutoscaler":
            continue
        name, spec = f"HorizontalPodAutoscaler/{each['metadata']['name']}", each["spec"]
        target = there.get((spec["scaleTargetRef"]["kind"], spec["scaleTargetRef"]["name"]))
        if target is None:
            yield f"{name}: its target is not there"
        elif "replicas" in target["spec"]:
            yield f"{name}: its target names a number of replicas, which each apply would set again"
        if not 1 <= spec.get("minReplicas", 1) <= spec["maxReplicas"]:
            yield f"{name}: {spec.get('minReplicas', 1)} to {spec['maxReplicas']} replicas cannot be meant"
        for metric in spec.get("metrics", []):
            if metric["type"][:1].lower() + metric["type"][1:] not in metric:
                yield f"{name}: a metric of type {metric['type']} says nothing of it"
        for rules in spec.get("behavior", {}).values():
            yield from (f"{name}: {said}" for said in _pace(rules))


def _pace(rules):
    """What the API server refuses in an autoscaler's behaviour."""
    for policy in rules.get("policies", []):
        if not 0 < policy["periodSeconds"] <= 1800 or policy["value"] <= 0:
            yield f"{policy['value']} pods in {policy['periodSeconds']} s is refused"
    if not 0 <= rules.get("stabilizationWindowSeconds", 0) <= 3600:
        yield f"a window of {rules['stabilizationWindowSeconds']} s is refused"


def what_serves_has_a_budget_and_a_number(objects):
    budgets = [each["spec"]["selector"] for each in objects if each["kind"] == "PodDisruptionBudget"]
    for work in workloads(objects):
        if work.serves and not any(selects(selector, work.labels) for selector in budgets):
            yield f"{work.name}: has no PodDisruptionBudget"
        if work.serves and work.replicas is None and not _autoscaler(work, objects):
            yield f"{work.name}: nobody says how many replicas there are"


def deployments_select_their_own_pods(objects):
    for each in objects:
        if each["kind"] != "Deployment":
            continue
        name, spec = f"Deployment/{each['metadata']['name']}", each["spec"]
        if not selects(spec["selector"], spec["template"]["metadata"].get("labels", {})):
            yield f"{name}: does not select its own pods"
        update = spec.get("strategy", {}).get("rollingUpdate", {})
        if update.get("maxSurge") == 0 and update.get("maxUnavailable") == 0:
            yield f"{name}: an update could never begin"


def replicas_are_spread(objects):
    """By constraints that count the workload's own pods, each place and way once."""
    for work in workloads(objects):
        constraints = work.pod.get("topologySpreadConstraints", [])
        if work.serves and not constraints:
            yield f"{work.name}: its replicas may all be on one node"
        ways = [(each["topologyKey"], each["whenUnsatisfiable"]) for each in constraints]
        for way in sorted({way for way in ways if ways.count(way) > 1}):
            yield f"{work.name}: is spread over {way[0]} twice"
        for each in constraints:
            if not selects(each["labelSelector"], work.labels):
                yield f"{work.name}: is spread over {each['topologyKey']} by the pods of others"
            if set(each.get("matchLabelKeys", [])) & set(each["labelSelector"].get("matchLabels", {})):
                yield f"{work.name}: a key of matchLabelKeys is in the selector as well, which is refused"


def pods_end_in_peace(objects):
    """A pause until clients have heard of it, then the server's own time to end; kubelet waits longer than both."""
    maps = {each["metadata"]["name"]: each.get("data", {}) for each in objects if each["kind"] == "ConfigMap"}
    for work in workloads(objects):
        if not work.serves:
            continue
        grace = work.pod.get("terminationGracePeriodSeconds", 30)
        for container in work.containers:
            command = container.get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command", [])
            pause = int(command[1]) if command[:1] == ["sleep"] else 0
            ending = _exit_timeout(container, maps)
            if not pause:
                yield f"{work.name}: container {container['name']} stops before its clients know"
            if grace <= pause + ending:
                yield f"{work.name}: {grace} s are not more than a pause of {pause} s and {ending} s to end"


def pods_of_jobs_may_have_a_failure_policy(objects):
    """It is refused where pods are restarted in place."""
    for each in objects:
        if each["kind"] != "TrainingRuntime":
            continue
        for job in each["spec"]["template"]["spec"]["replicatedJobs"]:
            spec = job["template"]["spec"]
            if "podFailurePolicy" in spec and spec["template"]["spec"].get("restartPolicy") != "Never":
                yield f"TrainingRuntime/{each['metadata']['name']}: podFailurePolicy needs restartPolicy Never"


def least_replicas(work, objects):
    """How many pods of a workload there are at least."""
    autoscaler = _autoscaler(work, objects)
    return autoscaler["spec"].get("minReplicas", 1) if autoscaler else (work.replicas or 1)


def _autoscaler(work, objects):
    scalers = [each for each in objects if each["kind"] == "HorizontalPodAutoscaler"]
    targets = [(each["spec"]["scaleTargetRef"], each) for each in scalers]
    return next((each for ref, each in targets if f"{ref['kind']}/{ref['name']}" == work.name), None)


def _exit_timeout(container, maps):
    given = {}
    for source in container.get("envFrom", []):
        given |= maps.get(source.get("configMapRef", {}).get("name"), {})
    for argument in container.get("args", []):
        if match := _EXIT_TIMEOUT.fullmatch(argument):
            return int(given[match[1]] if match[1] else match[2])
    return 30  # Triton's own

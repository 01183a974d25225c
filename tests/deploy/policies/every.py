"""All policies under their names, in one form: objects, what else is in the namespace, and the pods of others."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from tests.deploy.policies import availability, kserve, names, network, pods, probes, references, rights
from tests.deploy.rendered import render
from tests.deploy.workloads import steps, workloads

Objects = list[dict[str, Any]]

_OF_OBJECTS = (
    pods.images_are_pinned,
    pods.resources_are_bounded,
    pods.nobody_is_root,
    pods.nothing_of_the_node_is_shared,
    pods.what_lasts_cannot_change_its_image,
    pods.nobody_asks_the_api_without_need,
    pods.memory_volumes_fit_the_memory,
    pods.limits_are_not_below_requests,
    names.names_are_valid,
    names.labels_are_valid,
    names.nothing_is_deprecated,
    names.objects_fit_into_an_annotation,
    names.every_object_says_what_it_belongs_to,
    names.no_namespace_is_written_down,
    names.nothing_is_cluster_wide,
    names.ports_are_named_well,
    names.variables_are_named_well,
    references.mounts_have_their_volumes,
    network.services_select_pods,
    network.nothing_is_open_by_default,
    network.addresses_are_networks,
    network.nobody_reaches_the_nodes_credentials,
    availability.budgets_fit_their_pods,
    availability.autoscalers_fit_their_targets,
    availability.what_serves_has_a_budget_and_a_number,
    availability.deployments_select_their_own_pods,
    availability.replicas_are_spread,
    availability.pods_end_in_peace,
    availability.pods_of_jobs_may_have_a_failure_policy,
    probes.what_serves_is_probed,
    probes.probes_ask_what_is_there,
    probes.probes_have_the_time_they_need,
    rights.rights_are_the_least,
    rights.accounts_have_a_purpose,
    kserve.services_fit_their_runtimes,
    kserve.external_secrets_fit_their_store,
)
_WITH_WHAT_IS_AROUND = (references.bindings_bind_what_there_is, references.variables_are_set_before_they_are_used)


def policies() -> dict[str, Callable[[Objects], list[str]]]:
    """Each policy's name -> its findings in a list of objects."""
    found: dict[str, Callable[[Objects], list[str]]] = {}
    for policy in _OF_OBJECTS:
        found[policy.__name__] = lambda objects, policy=policy: list(policy(objects))
    for policy in _WITH_WHAT_IS_AROUND:
        found[policy.__name__] = lambda objects, policy=policy: list(policy(objects, _around()))
    named, selected = references.everything_named_is_declared, network.policies_select_pods
    found[named.__name__] = lambda objects: list(named(objects, _around(), steps()))
    found[selected.__name__] = lambda objects: list(selected(objects, [*steps(), *workloads(_around())]))
    return found


@cache
def _around() -> Objects:
    """What a namespace has beside an overlay of Triton: docs/operations.md has one apply all of it."""
    return [each for name in ("steps", "training", "secrets/template", "cluster", "base") for each in render(name)]

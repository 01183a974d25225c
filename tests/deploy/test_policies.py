"""Every policy holds for every kustomization."""

import pytest

from tests.deploy.policies.every import policies
from tests.deploy.rendered import kustomizations, render

# What a cluster's administrator applies is the only place for what belongs to the cluster.
EXCEPT = {("cluster", "nothing_is_cluster_wide")}


@pytest.mark.parametrize("name", kustomizations())
def test_every_policy_holds(name):
    objects = render(name)
    found = {
        policy: said
        for policy, findings in policies().items()
        if (name, policy) not in EXCEPT and (said := findings(objects))
    }
    assert found == {}

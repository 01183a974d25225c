"""docs/rights.md says what the manifests and the compiled pipelines do."""

import re
from functools import cache

import pytest
import yaml

from pipelines.platform.rights import KEYS, NEVER_CACHED, SECRETS, SERVICE_ACCOUNT, WORKSPACE_CLAIM
from tests.conftest import ROOT
from tests.deploy.policies.network import selects
from tests.deploy.policies.rights import granted
from tests.deploy.rendered import by_name, kustomizations, overlays, render
from tests.deploy.workloads import COMPILED, steps, workloads

PAGE = (ROOT / "docs" / "rights.md").read_text()
PRESETS = sorted(path.stem for path in COMPILED.glob("*.yaml"))


def table(title):
    """The rows below a heading: a list of {column: cell}."""
    (section,) = [part for part in PAGE.split("\n## ") if part.startswith(f"{title}\n")]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    head, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [dict(zip(head, row, strict=True)) for row in rows]


def names(cell):
    """What stands in code in a cell."""
    return set(re.findall(r"`([^`]+)`", cell))


STEPS = {next(iter(names(row["step"]))): row for row in table("The steps")}


@cache
def executors(preset):
    """Of a compiled pipeline: step -> (its container, its settings on Kubernetes, whether a cache may answer)."""
    pipeline, platforms = yaml.load_all((COMPILED / f"{preset}.yaml").read_text(), yaml.CSafeLoader)
    settings = platforms["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    graphs = [part["dag"] for part in (pipeline["root"], *pipeline["components"].values()) if "dag" in part]
    cached = {name: task["cachingOptions"].get("enableCache", False) for graph in graphs for name, task in tasks(graph)}
    found = {}
    for label, executor in pipeline["deploymentSpec"]["executors"].items():
        step = settings[label]["podMetadata"]["labels"]["app.kubernetes.io/component"]
        found[step] = executor["container"], settings[label], cached[label.removeprefix("exec-")]
    return found


def tasks(graph):
    return [(name, task) for name, task in graph["tasks"].items() if "cachingOptions" in task]


def test_the_page_has_every_step_and_no_other():
    assert set(STEPS) == set(SECRETS)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("step", SECRETS)
def test_a_step_gets_the_secrets_that_the_page_says_and_their_keys(preset, step):
    _, settings, _ = executors(preset)[step]
    given = {each["secretName"]: {key["secretKey"] for key in each["keyToEnv"]} for each in settings["secretAsEnv"]}
    assert set(given) == names(STEPS[step]["secrets"]) == set(SECRETS[step])
    assert given == {secret: set(KEYS[secret]) for secret in SECRETS[step]}


@pytest.mark.parametrize("step", SECRETS)
def test_a_step_has_gpus_in_the_presets_that_the_page_says(step):
    on_gpus = {preset for preset in PRESETS if executors(preset)[step][0].get("resources", {}).get("accelerator")}
    assert on_gpus == names(STEPS[step]["on GPUs in the presets"])


@pytest.mark.parametrize("step", SECRETS)
def test_a_cache_answers_where_the_page_says_so(step):
    (said,) = {executors(preset)[step][2] for preset in PRESETS}
    assert STEPS[step]["answered from Kubeflow's cache"] == ("yes" if said else "no")
    assert said == (step not in NEVER_CACHED)


@pytest.mark.parametrize("preset", PRESETS)
def test_the_volume_is_mounted_in_every_preset_but_the_one_that_the_page_names(preset):
    mounts = [settings.get("pvcMount", []) for _, settings, _ in executors(preset).values()]
    if f"in the preset `{preset}` it is `s3://scratch/<run>`" in PAGE:
        assert not any(mounts)
    else:
        assert {(each["constant"], each["mountPath"]) for mount in mounts for each in mount} == {
            (WORKSPACE_CLAIM, "/workspace")
        }
        assert all(mounts)


def test_who_speaks_to_triton_is_who_is_let_in_and_has_its_key():
    said = {step for step, row in STEPS.items() if "Triton" in row["speaks to"]}
    assert said == {step for step in SECRETS if "sparseinst-triton-key" in SECRETS[step]}
    policies = by_name([*render("base"), *render("steps")])
    (rule,) = policies["NetworkPolicy", "sparseinst-triton-control"]["spec"]["ingress"]
    let_in = rule["from"][0]["podSelector"]
    let_out = policies["NetworkPolicy", "sparseinst-steps-to-triton"]["spec"]["podSelector"]
    for selector in (let_in, let_out):
        assert {
            step.labels["app.kubernetes.io/component"] for step in steps() if selects(selector, step.labels)
        } == said


def test_every_step_is_under_the_network_policy_of_the_steps():
    policy = by_name(render("steps"))["NetworkPolicy", "sparseinst-steps"]["spec"]
    assert steps()
    assert all(selects(policy["podSelector"], step.labels) for step in steps())
    assert "ingress" not in policy, "nobody calls a step"


def test_the_accounts_are_those_of_the_manifests_with_the_rights_that_the_page_says():
    rows = {next(iter(names(row["account"]))): row for row in table("The accounts")}
    found = [each for name in kustomizations() for each in render(name) if each["kind"] == "ServiceAccount"]
    assert set(rows) == {each["metadata"]["name"] for each in found}
    for account in found:
        token = account.get("automountServiceAccountToken", True)
        assert rows[account["metadata"]["name"]]["token"] == ("yes" if token else "no")
    (role,) = [each for each in render("steps") if each["kind"] == "Role"]
    said = rows[SERVICE_ACCOUNT]["may, in its namespace"]
    for (_, resource, name), verbs in granted(role).items():
        what = f"`{resource}`" + (f" `{name}`" if name else "")
        (part,) = [part for part in said.split("; ") if part.startswith(f"{what}: ")]
        assert set(part.removeprefix(f"{what}: ").split(", ")) == verbs
    assert len(said.split("; ")) == len(granted(role))


def test_the_nodes_of_a_training_have_no_token():
    (node,) = workloads(render("training"))
    assert node.pod["automountServiceAccountToken"] is False


def test_each_principal_has_the_secret_that_a_step_or_the_server_uses():
    rows = table("The buckets")
    pairs = {next(iter(names(row["principal"]))): names(row["secret"]) for row in rows}
    used = {secret for given in SECRETS.values() for secret in given} | {"sparseinst-s3-triton"}
    assert {secret for given in pairs.values() for secret in given} == {name for name in used if "-s3-" in name}


def test_the_five_secrets_have_a_template_and_an_entry_in_the_secret_store_with_the_keys_that_pods_use():
    templates = {
        each["metadata"]["name"]: set(each["data"]) for each in render("secrets/template") if each["kind"] == "Secret"
    }
    external = {
        each["metadata"]["name"]: {entry["secretKey"] for entry in each["spec"]["data"]}
        for each in render("secrets/external")
        if each["kind"] == "ExternalSecret"
    }
    assert templates == external == {secret: set(keys) for secret, keys in KEYS.items()}


def test_no_template_holds_a_value_that_should_be_secret():
    found = {
        (each["metadata"]["name"], key)
        for each in render("secrets/template")
        for key, value in each["data"].items()
        if value and key not in {"AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION"}
    }
    assert found == set()


def test_who_deploys_needs_rights_for_the_kinds_that_overlays_have_and_the_page_names_them():
    (row,) = [row for row in table("People and CI") if "deploy-triton" in row["who"]]
    kinds = {each["kind"] for overlay in overlays() for each in render(overlay)}
    plural = {"NetworkPolicy": "networkpolicies"}
    assert names(row["needs"]) == {plural.get(kind, f"{kind.lower()}s") for kind in kinds} | {"pods"}

"""Every policy finds what it is there for: a violation planted into manifests that are well, and nothing else does."""

import pytest

from tests.deploy.policies.every import policies
from tests.deploy.policies.pods import in_bytes
from tests.deploy.rendered import by_name, render

TRITON = "sparseinst-triton"


class Place:
    """The objects of a kustomization, to spoil."""

    def __init__(self, folder):
        self.objects = render(folder)

    def __getitem__(self, key):
        kind, _, name = key.partition("/")
        return by_name(self.objects)[kind, name or TRITON]

    @property
    def pod(self):
        return self["Deployment"]["spec"]["template"]["spec"]

    @property
    def container(self):
        return self.pod["containers"][0]

    @property
    def security(self):
        return self.container["securityContext"]

    def remove(self, key):
        self.objects.remove(self[key])


def image(tag):
    return lambda place: place.container.update(image=f"sparseinst-triton{tag}")


def network(name):
    return f"NetworkPolicy/sparseinst-triton{name}"


def second_service(place):
    place["Service"]["spec"]["ports"].append({"name": "again", "port": 8000, "targetPort": "http"})


def other_volume(place):
    place.container["volumeMounts"].append({"name": "models", "mountPath": "/models"})


def unused_volume(place):
    place.pod["volumes"].append({"name": "models", "emptyDir": {"sizeLimit": "1Gi"}})


def variable(name, value):
    return lambda place: place.container["env"].append({"name": name, "value": value})


def rule(**changes):
    return lambda place: place["Role/sparseinst-steps"]["rules"].append(
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"], **changes}
    )


# (policy, folder, what is planted): each is found by that policy.
PLANTED = [
    ("images_are_pinned", "overlays/prod", image(":latest")),
    ("images_are_pinned", "overlays/prod", image("")),
    ("resources_are_bounded", "overlays/prod", lambda at: at.container["resources"]["limits"].pop("memory")),
    ("resources_are_bounded", "overlays/prod", lambda at: at.container["resources"]["requests"].pop("cpu")),
    (
        "resources_are_bounded",
        "overlays/prod",
        lambda at: at.pod.update(initContainers=[{"name": "i", "image": "i:1"}]),
    ),
    ("nobody_is_root", "overlays/prod", lambda at: at.pod["securityContext"].update(runAsNonRoot=False)),
    ("nobody_is_root", "overlays/prod", lambda at: at.security.update(runAsUser=0)),
    ("nobody_is_root", "overlays/prod", lambda at: at.security.update(privileged=True)),
    ("nobody_is_root", "overlays/prod", lambda at: at.security.pop("allowPrivilegeEscalation")),
    ("nobody_is_root", "overlays/prod", lambda at: at.security["capabilities"].update(add=["SYS_ADMIN"])),
    ("nobody_is_root", "overlays/prod", lambda at: at.pod["securityContext"].pop("seccompProfile")),
    ("nothing_of_the_node_is_shared", "overlays/prod", lambda at: at.pod.update(hostNetwork=True)),
    ("nothing_of_the_node_is_shared", "overlays/prod", lambda at: at.pod["volumes"][0].update(hostPath={"path": "/"})),
    ("nothing_of_the_node_is_shared", "overlays/prod", lambda at: at.container["ports"][0].update(hostPort=80)),
    ("what_lasts_cannot_change_its_image", "overlays/prod", lambda at: at.security.pop("readOnlyRootFilesystem")),
    ("what_lasts_cannot_change_its_image", "overlays/prod", lambda at: at.pod["volumes"][0].update(emptyDir={})),
    ("nobody_asks_the_api_without_need", "overlays/prod", lambda at: at.pod.pop("automountServiceAccountToken")),
    ("nobody_asks_the_api_without_need", "overlays/prod", lambda at: at.pod.pop("serviceAccountName")),
    (
        "memory_volumes_fit_the_memory",
        "overlays/prod",
        lambda at: at.pod["volumes"][1].update(emptyDir={"medium": "Memory", "sizeLimit": "64Gi"}),
    ),
    ("limits_are_not_below_requests", "overlays/prod", lambda at: at.container["resources"]["limits"].update(cpu="1")),
    ("names_are_valid", "overlays/prod", lambda at: at["Service"]["metadata"].update(name="8.triton")),
    ("names_are_valid", "overlays/prod", lambda at: at["Deployment"]["metadata"].update(name="Triton")),
    ("labels_are_valid", "overlays/prod", lambda at: at["Deployment"]["metadata"]["labels"].update(why="because of")),
    ("labels_are_valid", "overlays/prod", lambda at: at["Deployment"]["metadata"]["labels"].update(gpu=True)),
    ("labels_are_valid", "overlays/prod", lambda at: at.pod["nodeSelector"].update({"a/b/c": "d"})),
    (
        "nothing_is_deprecated",
        "overlays/prod",
        lambda at: at["PodDisruptionBudget"].update(apiVersion="policy/v1beta1"),
    ),
    ("nothing_is_deprecated", "overlays/prod", lambda at: at["Service"].update(kind="Endpoints")),
    (
        "nothing_is_deprecated",
        "overlays/prod",
        lambda at: at.pod["nodeSelector"].update({"beta.kubernetes.io/os": "linux"}),
    ),
    ("objects_fit_into_an_annotation", "overlays/prod", lambda at: at.container.update(args=["x" * 300_000])),
    (
        "addresses_are_networks",
        "overlays/prod",
        lambda at: at[network("-out")]["spec"]["egress"][2]["to"][0]["ipBlock"].update(cidr="10.0.0.0/8"),
    ),
    (
        "addresses_are_networks",
        "overlays/prod",
        lambda at: at[network("-out")]["spec"]["egress"][0]["to"][1]["ipBlock"].update(cidr="169.254.20.10/24"),
    ),
    ("every_object_says_what_it_belongs_to", "overlays/prod", lambda at: at["Service"]["metadata"].pop("labels")),
    ("no_namespace_is_written_down", "overlays/prod", lambda at: at["Service"]["metadata"].update(namespace="ml")),
    (
        "no_namespace_is_written_down",
        "steps",
        lambda at: at["RoleBinding/sparseinst-steps"]["subjects"][0].update(namespace="ml"),
    ),
    ("nothing_is_cluster_wide", "steps", lambda at: at["Role/sparseinst-steps"].update(kind="ClusterRole")),
    ("ports_are_named_well", "overlays/prod", lambda at: at.container["ports"][0].update(name="http-of-the-server")),
    ("ports_are_named_well", "overlays/prod", lambda at: at["Service"]["spec"]["ports"][0].pop("name")),
    ("ports_are_named_well", "overlays/prod", second_service),
    ("variables_are_named_well", "overlays/prod", variable("1ST", "x")),
    ("variables_are_named_well", "overlays/prod", variable("OMP_NUM_THREADS", "2")),
    ("mounts_have_their_volumes", "overlays/prod", other_volume),
    ("mounts_have_their_volumes", "overlays/prod", unused_volume),
    (
        "mounts_have_their_volumes",
        "overlays/prod",
        lambda at: at.container["volumeMounts"][0].update(mountPath="/probes"),
    ),
    ("services_select_pods", "overlays/prod", lambda at: at["Service"]["spec"]["selector"].update(tier="back")),
    ("services_select_pods", "overlays/prod", lambda at: at["Service"]["spec"]["ports"][0].update(targetPort="web")),
    ("nothing_is_open_by_default", "overlays/prod", lambda at: (at.remove(network("")), at.remove(network("-out")))),
    (
        "nobody_reaches_the_nodes_credentials",
        "overlays/prod",
        lambda at: at[network("-out")]["spec"]["egress"][2]["to"][0]["ipBlock"].pop("except"),
    ),
    (
        "nobody_reaches_the_nodes_credentials",
        "overlays/prod",
        lambda at: at[network("-out")]["spec"]["egress"][0].pop("to"),
    ),
    (
        "policies_select_pods",
        "overlays/prod",
        lambda at: at[network("")]["spec"].update(podSelector={"matchLabels": {"a": "b"}}),
    ),
    (
        "policies_select_pods",
        "overlays/prod",
        lambda at: at[network("-control")]["spec"]["ingress"][0]["from"][0]["podSelector"]["matchExpressions"][
            0
        ].update(values=["rollout"]),
    ),
    (
        "policies_select_pods",
        "overlays/prod",
        lambda at: at[network("-metrics")]["spec"]["ingress"][0]["ports"][0].update(port="prometheus"),
    ),
    ("policies_select_pods", "overlays/prod", lambda at: at[network("-out")]["spec"].update(policyTypes=["Ingress"])),
    (
        "budgets_fit_their_pods",
        "overlays/prod",
        lambda at: (
            at["PodDisruptionBudget"]["spec"].pop("maxUnavailable"),
            at["PodDisruptionBudget"]["spec"].update(minAvailable=2),
        ),
    ),
    ("budgets_fit_their_pods", "overlays/prod", lambda at: at["PodDisruptionBudget"]["spec"].update(maxUnavailable=2)),
    ("budgets_fit_their_pods", "overlays/prod", lambda at: at["PodDisruptionBudget"]["spec"].update(minAvailable=1)),
    (
        "budgets_fit_their_pods",
        "overlays/prod",
        lambda at: at["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"].update(a="b"),
    ),
    ("autoscalers_fit_their_targets", "overlays/prod", lambda at: at["Deployment"]["spec"].update(replicas=2)),
    (
        "autoscalers_fit_their_targets",
        "overlays/prod",
        lambda at: at["HorizontalPodAutoscaler"]["spec"].update(minReplicas=9),
    ),
    ("autoscalers_fit_their_targets", "overlays/prod", lambda at: at["Deployment"]["metadata"].update(name="other")),
    (
        "autoscalers_fit_their_targets",
        "overlays/prod",
        lambda at: at["HorizontalPodAutoscaler"]["spec"]["metrics"][0].update(type="Resource"),
    ),
    (
        "autoscalers_fit_their_targets",
        "overlays/prod",
        lambda at: at["HorizontalPodAutoscaler"]["spec"]["behavior"]["scaleUp"]["policies"][0].update(
            periodSeconds=3600
        ),
    ),
    ("what_serves_has_a_budget_and_a_number", "overlays/prod", lambda at: at.remove("PodDisruptionBudget")),
    ("what_serves_has_a_budget_and_a_number", "overlays/prod", lambda at: at.remove("HorizontalPodAutoscaler")),
    (
        "deployments_select_their_own_pods",
        "overlays/prod",
        lambda at: at["Deployment"]["spec"]["selector"]["matchLabels"].update(a="b"),
    ),
    (
        "deployments_select_their_own_pods",
        "overlays/prod",
        lambda at: at["Deployment"]["spec"]["strategy"]["rollingUpdate"].update(maxSurge=0),
    ),
    ("replicas_are_spread", "overlays/prod", lambda at: at.pod.pop("topologySpreadConstraints")),
    (
        "replicas_are_spread",
        "overlays/prod",
        lambda at: at.pod["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"].update(a="b"),
    ),
    (
        "replicas_are_spread",
        "overlays/prod",
        lambda at: at.pod["topologySpreadConstraints"][1].update(topologyKey="kubernetes.io/hostname"),
    ),
    (
        "replicas_are_spread",
        "overlays/prod",
        lambda at: at.pod["topologySpreadConstraints"][0].update(matchLabelKeys=["app.kubernetes.io/name"]),
    ),
    ("pods_end_in_peace", "overlays/prod", lambda at: at.pod.update(terminationGracePeriodSeconds=40)),
    ("pods_end_in_peace", "overlays/prod", lambda at: at.container.pop("lifecycle")),
    (
        "pods_of_jobs_may_have_a_failure_policy",
        "training",
        lambda at: at["TrainingRuntime/sparseinst-torch"]["spec"]["template"]["spec"]["replicatedJobs"][0]["template"][
            "spec"
        ]["template"]["spec"].update(restartPolicy="OnFailure"),
    ),
    ("what_serves_is_probed", "overlays/prod", lambda at: at.container.pop("livenessProbe")),
    ("what_serves_is_probed", "overlays/prod", lambda at: at.container["startupProbe"].update(failureThreshold=3)),
    ("what_serves_is_probed", "overlays/prod", lambda at: at.container["livenessProbe"].update(successThreshold=2)),
    (
        "probes_ask_what_is_there",
        "overlays/prod",
        lambda at: at.container["readinessProbe"]["httpGet"].update(port="web"),
    ),
    (
        "probes_ask_what_is_there",
        "overlays/prod",
        lambda at: at.container["readinessProbe"]["httpGet"].update(path="v2"),
    ),
    (
        "probes_ask_what_is_there",
        "overlays/prod",
        lambda at: at.container["livenessProbe"]["exec"].update(command=["python3", "/probes/alive.py"]),
    ),
    (
        "probes_have_the_time_they_need",
        "overlays/prod",
        lambda at: at.container["livenessProbe"].update(timeoutSeconds=5),
    ),
    ("rights_are_the_least", "steps", rule(verbs=["*"])),
    ("rights_are_the_least", "steps", rule(resources=["secrets"])),
    ("rights_are_the_least", "steps", rule(verbs=["create"])),
    ("rights_are_the_least", "steps", rule(resources=["configmaps"], resourceNames=["kfp-launcher"], verbs=["create"])),
    ("accounts_have_a_purpose", "steps", lambda at: at["ServiceAccount/sparseinst-steps"]["metadata"].update(name="x")),
    ("services_fit_their_runtimes", "overlays/kserve", lambda at: at.remove("ServingRuntime")),
    (
        "services_fit_their_runtimes",
        "overlays/kserve",
        lambda at: at["ServingRuntime"]["spec"]["containers"][0].update(name="triton"),
    ),
    (
        "services_fit_their_runtimes",
        "overlays/kserve",
        lambda at: at["InferenceService/sparseinst"]["spec"]["predictor"]["model"]["modelFormat"].update(name="onnx"),
    ),
    (
        "services_fit_their_runtimes",
        "overlays/kserve",
        lambda at: at["InferenceService/sparseinst"]["spec"]["predictor"].update(minReplicas=3),
    ),
    ("external_secrets_fit_their_store", "secrets/external", lambda at: at.remove("SecretStore/sparseinst")),
    (
        "external_secrets_fit_their_store",
        "secrets/external",
        lambda at: at["ExternalSecret/sparseinst-webhook"]["spec"]["data"].append(
            at["ExternalSecret/sparseinst-webhook"]["spec"]["data"][0]
        ),
    ),
    ("bindings_bind_what_there_is", "steps", lambda at: at["RoleBinding/sparseinst-steps"]["roleRef"].update(name="x")),
    ("variables_are_set_before_they_are_used", "overlays/prod", variable("WHERE", "$(LATER)/x")),
    (
        "variables_are_set_before_they_are_used",
        "overlays/prod",
        lambda at: at.container["args"].append("--log-file=$(LOG_FILE)"),
    ),
    (
        "everything_named_is_declared",
        "overlays/prod",
        lambda at: at.container["envFrom"][1]["secretRef"].update(name="sparseinst-s3"),
    ),
    (
        "everything_named_is_declared",
        "overlays/prod",
        lambda at: at.container["env"][0]["valueFrom"]["secretKeyRef"].update(key="KEY"),
    ),
    ("everything_named_is_declared", "overlays/prod", lambda at: at.pod.update(priorityClassName="first")),
    ("everything_named_is_declared", "overlays/prod", lambda at: at.pod.update(serviceAccountName="triton")),
    (
        "everything_named_is_declared",
        "overlays/prod",
        lambda at: at.pod["volumes"].append({"name": "w", "persistentVolumeClaim": {"claimName": "work"}}),
    ),
]


@pytest.mark.parametrize(("policy", "folder", "plant"), PLANTED, ids=[f"{n}-{p[0]}" for n, p in enumerate(PLANTED)])
def test_a_planted_violation_is_found(policy, folder, plant):
    place = Place(folder)
    findings = policies()[policy]
    assert findings(place.objects) == []
    plant(place)
    assert findings(place.objects)


def test_every_policy_has_a_planted_violation():
    assert {policy for policy, _, _ in PLANTED} == set(policies())


@pytest.mark.parametrize(
    ("quantity", "number"), [("500m", 0.5), ("2", 2), ("1Gi", 2**30), ("1.5Ki", 1536), ("2k", 2000), (3, 3)]
)
def test_quantities_are_read_as_kubernetes_reads_them(quantity, number):
    assert in_bytes(quantity) == number


@pytest.mark.parametrize("quantity", ["", "1 Gi", "1gi", "-1", "half"])
def test_what_is_no_quantity_is_an_error(quantity):
    with pytest.raises(ValueError, match="is no quantity"):
        in_bytes(quantity)

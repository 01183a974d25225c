import dataclasses

import pytest

from pipelines.submit.nodes import driver_of, node_id, pods_of, workflow_of


@pytest.mark.parametrize(
    ("workflow", "name", "known"),
    [
        # Pods that real clusters made, as their owners and Argo's own tests show them.
        ("retry-test-p7jzr", "retry-test-p7jzr[0].steps-outer-step1", "retry-test-p7jzr-2308805457"),
        (
            "archive-log-test-jzt8n",
            "archive-log-test-jzt8n[0].list-default-running-pods",
            "archive-log-test-jzt8n-3498199655",
        ),
        (
            "custom-workflow-111-2fw2f",
            "custom-workflow-111-2fw2f.yolov3-evaluate-743",
            "custom-workflow-111-2fw2f-2639432629",
        ),
    ],
    ids=["argo's test", "a blog", "a pipeline"],
)
def test_a_node_is_named_as_argo_names_it(workflow, name, known):
    assert node_id(workflow, name) == known


@pytest.fixture
def train(compiled):
    return next(step for step in compiled.steps if step.name == "train")


def _nodes(*names):
    return {node_id("wf-x1", name) for name in names}


def test_every_attempt_is_found_the_last_one_first(train):
    executor = "wf-x1.root.exit-handler-1.train.executor"
    nodes = _nodes(executor, f"{executor}(0)", f"{executor}(1)", "wf-x1.root")
    pods = pods_of(train, nodes)
    assert [pod.attempt for pod in pods] == [1, 0]
    hash_ = node_id("wf-x1", f"{executor}(1)").rsplit("-", 1)[1]
    assert pods[0].name == f"wf-x1-metadata-0-2-retry-system-container-impl-{hash_}"


def test_a_step_without_retries_or_labels_has_one_pod_of_the_plain_template(train):
    plain = dataclasses.replace(train, retries=0, pod={})
    (pod,) = pods_of(plain, _nodes("wf-x1.root.exit-handler-1.train.executor"))
    assert pod.name.startswith("wf-x1-system-container-impl-")


def test_a_step_that_was_not_tried_has_no_pod(train):
    assert pods_of(train, _nodes("wf-x1.root", "wf-x1.root.exit-handler-1.ingest.executor")) == []
    assert pods_of(train, set()) == []


def test_a_driver_has_a_pod_of_its_own(train):
    pod = driver_of(train, _nodes("wf-x1.root.exit-handler-1.train-driver"))
    assert pod.name.startswith("wf-x1-system-container-driver-")
    assert driver_of(train, _nodes("wf-x1.root")) is None


def test_the_workflow_is_what_the_nodes_begin_with():
    assert workflow_of({"sparseinst-abc-1", "sparseinst-abc-22"}) == "sparseinst-abc"
    assert workflow_of(set()) == ""

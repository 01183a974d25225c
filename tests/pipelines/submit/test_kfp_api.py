"""The test's own Kubeflow refuses what Kubeflow refuses: else the other tests would show nothing."""

import json

import kfp_server_api
import pytest
import yaml

from pipelines.submit.version import ensure_version
from tests.pipelines.submit.kfp_api.lists import page
from tests.pipelines.submit.kfp_api.pipelines import spec_of
from tests.pipelines.submit.kfp_api.wire import Refusal, UploadRefusal


def _post(kubeflow, path, body):
    return kubeflow.sdk._run_api.api_client.call_api(
        f"/apis/v2beta1{path}", "POST", body=body, auth_settings=["Bearer"], response_type="object"
    )


def _refused(kubeflow, path, body):
    with pytest.raises(kfp_server_api.ApiException) as refused:
        _post(kubeflow, path, body)
    return refused.value.status, json.loads(refused.value.body)


def test_an_unknown_field_is_refused_as_grpc_gateway_refuses_it(kubeflow):
    status, body = _refused(kubeflow, "/experiments", {"display_name": "x", "colour": "red"})
    assert (status, body["code"]) == (400, 3)
    assert 'unknown field "colour"' in body["message"]


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"seed": "3"}, "requires type"),
        ({"sed": 3}, "not required by pipeline: sed"),
        ({"min_ap": True}, "requires type"),
    ],
)
def test_parameters_must_be_the_pipelines_own_and_of_their_type(kubeflow, file, parameters, said):
    version = ensure_version(kubeflow, file, "gpu8", "")
    _post(kubeflow, "/experiments", {"display_name": "x"})
    run = {
        "display_name": "r",
        "experiment_id": "experiment-1",
        "pipeline_version_reference": {"pipeline_id": version.pipeline_id, "pipeline_version_id": version.version_id},
        "runtime_config": {"parameters": parameters},
    }
    status, body = _refused(kubeflow, "/runs", run)
    assert status == 400
    assert said in body["message"]


def test_a_run_needs_an_experiment_and_a_version_that_are_there(kubeflow):
    status, body = _refused(kubeflow, "/runs", {"display_name": "r", "experiment_id": "none"})
    assert (status, body["code"]) == (404, 5)


def test_an_upload_is_read_by_kfps_own_protocol_buffers_the_kubernetes_part_too(file):
    pipeline, platform = yaml.safe_load_all(file.read_text())
    assert spec_of(file.read_bytes())["platform_spec"] == platform
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    executors["exec-train"]["tolerance"] = []
    with pytest.raises(UploadRefusal, match="tolerance"):
        spec_of(yaml.safe_dump_all([pipeline, platform]).encode())
    pipeline["root"]["dagg"] = {}
    with pytest.raises(UploadRefusal, match="dagg"):
        spec_of(yaml.safe_dump_all([pipeline]).encode())


def test_a_filter_must_name_a_field_that_there_is():
    predicate = {"operation": "EQUALS", "key": "colour", "stringValue": "red"}
    with pytest.raises(Refusal, match="unrecognized field"):
        page("things", [{"display_name": "x"}], {"filter": json.dumps({"predicates": [predicate]})})


def test_a_page_token_is_only_good_for_the_list_that_it_is_of():
    things = [{"display_name": str(number)} for number in range(30)]
    first = page("things", things, {"page_size": "20"})
    assert len(first["things"]) == 20
    assert len(page("things", things, {"page_size": "20", "page_token": first["next_page_token"]})["things"]) == 10
    with pytest.raises(Refusal, match="does not match"):
        page("things", things, {"page_token": first["next_page_token"], "sort_by": "display_name"})

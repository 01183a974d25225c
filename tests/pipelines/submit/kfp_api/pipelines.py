"""Pipelines, their versions, and uploads."""

import email
import email.policy
import functools

import yaml
from google.protobuf import json_format
from kfp.kubernetes import kubernetes_executor_config_pb2
from kfp.pipeline_spec import pipeline_spec_pb2

from tests.pipelines.submit.kfp_api.lists import page
from tests.pipelines.submit.kfp_api.wire import INVALID, NOT_FOUND, Answer, Refusal, UploadRefusal, parsed

_LONGEST_NAME = 127


class Pipelines:
    def __init__(self, clock):
        self.clock = clock
        self.pipelines = {}
        self.versions = {}

    def create(self, request):
        wanted = parsed(request.json(), "V2beta1Pipeline")
        name = wanted.get("name") or wanted.get("display_name")
        if not name:
            raise Refusal(INVALID, "name is required")
        if any((p["name"], p.get("namespace")) == (name, wanted.get("namespace")) for p in self.pipelines.values()):
            raise Refusal(6, f"Already exist error: The name {name} already exist")
        made = {
            "pipeline_id": f"pipeline-{len(self.pipelines) + 1}",
            "name": name,
            "display_name": wanted.get("display_name") or name,
            "description": wanted.get("description", ""),
            "namespace": wanted.get("namespace", ""),
            "created_at": self.clock.stamp(),
        }
        self.pipelines[made["pipeline_id"]] = made
        return Answer(body=made)

    def list(self, request):
        query = request.query("namespace", "page_token", "page_size", "sort_by", "filter")
        mine = [p for p in self.pipelines.values() if p.get("namespace", "") == query.get("namespace", "")]
        return Answer(body=page("pipelines", mine, query))

    def list_versions(self, request, pipeline_id):
        query = request.query("page_token", "page_size", "sort_by", "filter")
        self._pipeline(pipeline_id)
        mine = [v for v in self.versions.values() if v["pipeline_id"] == pipeline_id]
        return Answer(body=page("pipeline_versions", mine, query))

    def get_version(self, request, pipeline_id, version_id):
        return Answer(body=self.version(pipeline_id, version_id))

    def version(self, pipeline_id, version_id):
        self._pipeline(pipeline_id)
        found = self.versions.get(version_id)
        if found is None or found["pipeline_id"] != pipeline_id:
            raise Refusal(
                NOT_FOUND, f"Failed to get a pipeline version. ResourceNotFoundError: PipelineVersion {version_id}"
            )
        return found

    def upload_version(self, request):
        query = request.query("name", "display_name", "pipelineid", "description", "tags")
        if query.get("pipelineid") not in self.pipelines:
            raise UploadRefusal(400, "Failed to create a pipeline version")
        name = query.get("name") or query.get("display_name") or ""
        if not 0 < len(name) <= _LONGEST_NAME:
            raise UploadRefusal(400, f"PipelineVersion.Name must be 1 to {_LONGEST_NAME} characters")
        if any((v["pipeline_id"], v["name"]) == (query["pipelineid"], name) for v in self.versions.values()):
            raise UploadRefusal(409, "Failed to create a pipeline version")
        made = {
            "pipeline_id": query["pipelineid"],
            "pipeline_version_id": f"version-{len(self.versions) + 1}",
            "name": name,
            "display_name": query.get("display_name") or name,
            "description": query.get("description", ""),
            "created_at": self.clock.stamp(),
            "pipeline_spec": spec_of(_file(request)),
        }
        self.versions[made["pipeline_version_id"]] = made
        return Answer(body=made)

    def _pipeline(self, pipeline_id):
        if pipeline_id not in self.pipelines:
            raise Refusal(
                NOT_FOUND, f"Failed to get a pipeline. ResourceNotFoundError: Pipeline {pipeline_id} not found"
            )
        return self.pipelines[pipeline_id]


def _file(request):
    """The part "uploadfile" of a multipart form."""
    head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
    message = email.message_from_bytes(head + request.body, policy=email.policy.HTTP)
    parts = {part.get_param("name", header="content-disposition"): part for part in message.iter_parts()}
    if list(parts) != ["uploadfile"]:
        raise UploadRefusal(400, "Failed to read pipeline from file")
    if not parts["uploadfile"].get_filename().endswith((".yaml", ".yml")):
        raise UploadRefusal(400, "Failed to read a pipeline spec file")
    return parts["uploadfile"].get_payload(decode=True)


@functools.cache
def spec_of(content):
    """The pipeline as the API tells it: both documents, checked by kfp's own protocol buffers."""
    documents = list(yaml.safe_load_all(content))
    try:
        json_format.ParseDict(documents[0], pipeline_spec_pb2.PipelineSpec())
        platform = json_format.ParseDict(documents[1] if documents[1:] else {}, pipeline_spec_pb2.PlatformSpec())
        for executor in platform.platforms["kubernetes"].deployment_spec.executors.values():
            settings = json_format.MessageToDict(executor)
            json_format.ParseDict(settings, kubernetes_executor_config_pb2.KubernetesExecutorConfig())
    except json_format.ParseError as error:
        raise UploadRefusal(400, f"invalid v2 pipeline spec: {error}") from error
    if documents[1:]:
        return {"pipeline_spec": documents[0], "platform_spec": documents[1]}
    return documents[0]

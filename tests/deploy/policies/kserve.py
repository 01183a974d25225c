"""What KServe's and External Secrets' webhooks and controllers ask for beyond their schemas."""

from __future__ import annotations


def services_fit_their_runtimes(objects):
    """A runtime of that name that takes the format and protocol, with the container that KServe looks for."""
    runtimes = {each["metadata"]["name"]: each["spec"] for each in objects if each["kind"] == "ServingRuntime"}
    for each in objects:
        if each["kind"] != "InferenceService":
            continue
        name, predictor = f"InferenceService/{each['metadata']['name']}", each["spec"]["predictor"]
        model = predictor["model"]
        runtime = runtimes.get(model.get("runtime"))
        if runtime is None:
            yield f"{name}: its runtime is not there"
            continue
        if model["modelFormat"]["name"] not in {known["name"] for known in runtime["supportedModelFormats"]}:
            yield f"{name}: its runtime does not take {model['modelFormat']['name']}"
        if model.get("protocolVersion", "v1") not in runtime.get("protocolVersions", ["v1"]):
            yield f"{name}: its runtime does not speak {model.get('protocolVersion', 'v1')}"
        if [container["name"] for container in runtime["containers"]] != ["kserve-container"]:
            yield f"{name}: KServe looks for one container named kserve-container"
        if predictor.get("minReplicas", 1) > predictor.get("maxReplicas", 1):
            yield f"{name}: more replicas at least than at most"


def external_secrets_fit_their_store(objects):
    stores = {each["metadata"]["name"] for each in objects if each["kind"] == "SecretStore"}
    for each in objects:
        if each["kind"] != "ExternalSecret":
            continue
        name, spec = f"ExternalSecret/{each['metadata']['name']}", each["spec"]
        if spec["secretStoreRef"]["name"] not in stores:
            yield f"{name}: its store is not there"
        keys = [entry["secretKey"] for entry in spec["data"]]
        for key in sorted({key for key in keys if keys.count(key) > 1}):
            yield f"{name}: {key} is there twice"

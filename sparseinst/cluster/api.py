"""The few questions that the launcher asks the Kubernetes API, on JSON as it comes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kubernetes.client.exceptions import ApiException

from sparseinst.cluster.connection import Cluster
from sparseinst.cluster.manifest import CONTAINER, GROUP, PLURAL, VERSION

# Short: while a call waits, a signal waits too, and a pod that is told to stop has 30 s.
_CONNECT_S, _ANSWER_S = 5.0, 10.0


class TrainJobApi:
    """TrainJobs of one namespace, their pods, warnings and logs.

    Every method raises what the client raises: ApiException for an answer that is an error, and urllib3's errors
    where there is no answer. `patience.Patience` makes sense of both.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.namespace = cluster.namespace
        self._client = cluster.client
        self._jobs = f"/apis/{GROUP}/{VERSION}/namespaces/{self.namespace}/{PLURAL}"
        self._core = f"/api/v1/namespaces/{self.namespace}"

    def create(self, manifest: dict[str, Any]) -> dict[str, Any] | None:
        """The job as it was made, or None where there is one of that name. A field that the cluster does not know is
        an error: by default the API would drop it and start another job than was asked for.
        """
        try:
            return self._call("POST", self._jobs, {"fieldValidation": "Strict"}, manifest)
        except ApiException as error:
            if error.status == 409:
                return None
            raise

    def get(self, name: str) -> dict[str, Any] | None:
        """The job, or None where there is none."""
        try:
            return self._call("GET", f"{self._jobs}/{name}")
        except ApiException as error:
            if error.status == 404:
                return None
            raise

    def delete(self, name: str, uid: str) -> None:
        """Starts the deletion of the job and of all that belongs to it; the job stays until its pods have ended.

        Only the job of that uid: one of the same name that somebody made since stays. No such job is as good.
        """
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Foreground",
            "preconditions": {"uid": uid},
        }
        try:
            self._call("DELETE", f"{self._jobs}/{name}", body=options)
        except ApiException as error:
            if error.status not in {404, 409}:
                raise

    def pods(self, name: str) -> list[dict[str, Any]]:
        """The pods of the job's nodes. The label is JobSet's, whose set has the job's name."""
        selector = f"jobset.sigs.k8s.io/jobset-name={name},jobset.sigs.k8s.io/replicatedjob-name={CONTAINER}"
        return self._call("GET", f"{self._core}/pods", {"labelSelector": selector})["items"]

    def warnings(self, name: str) -> list[dict[str, Any]]:
        """Warning events about the job, its JobSet, its Job and its pods, the oldest first."""
        found = self._call("GET", f"{self._core}/events", {"fieldSelector": "type=Warning"})["items"]
        about = [(event["involvedObject"].get("name", ""), event) for event in found]
        ours = [event for whom, event in about if whom == name or whom.startswith(f"{name}-{CONTAINER}-")]
        return sorted(ours, key=lambda event: event.get("lastTimestamp") or event.get("eventTime") or "")

    def tail(self, pod: str, lines: int) -> list[str]:
        """The last lines of a pod's log."""
        query = {"container": CONTAINER, "tailLines": lines}
        return self._call("GET", f"{self._core}/pods/{pod}/log", query, kind="str").splitlines()

    def follow(self, pod: str, since: str | None, silence_s: float) -> Iterator[str]:
        """A pod's log from that time on, each line with its time, until the container ends.

        The generated client has no `sinceTime`, hence the plain call. After `silence_s` without a line it is an error:
        a connection that died without a word looks the same.
        """
        query: dict[str, Any] = {"container": CONTAINER, "follow": "true", "timestamps": "true"}
        if since:
            query["sinceTime"] = since
        path = f"{self._core}/pods/{pod}/log"
        response = self._call("GET", path, query, raw=True, timeout=(_CONNECT_S, silence_s))
        try:
            rest = b""
            for chunk in response.stream(1 << 16):
                *lines, rest = (rest + chunk).split(b"\n")
                yield from (line.decode("utf-8", "replace") for line in lines)
            if rest:
                yield rest.decode("utf-8", "replace")
        finally:
            response.close()

    def _call(
        self,
        method: str,
        path: str,
        query: dict[str, Any] | None = None,
        body: dict[str, Any] | None = None,
        *,
        kind: str = "object",
        raw: bool = False,
        timeout: tuple[float, float] = (_CONNECT_S, _ANSWER_S),
    ) -> Any:
        headers = {"Accept": "application/json, */*", "Content-Type": "application/json"}
        return self._client.call_api(
            path,
            method,
            query_params=list((query or {}).items()),
            header_params=headers,
            body=body,
            response_type=kind,
            auth_settings=["BearerToken"],
            _return_http_data_only=True,
            _preload_content=not raw,
            _request_timeout=timeout,
        )

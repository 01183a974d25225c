"""A Kubernetes API on 127.0.0.1 that keeps its state: kmock's emulator, and what it leaves out and the launcher needs.

Added to kmock: logs that are streamed while they grow, selectors, uids, preconditions, the foreground deletion of a
TrainJob, strict field validation by the CRD's own schema, and a server that goes away and comes back at its address.
The test plays the controllers: it says when pods start, what they write, and how the job ends.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
import uuid
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import aiohttp.web
import kmock
import yaml
from kmock import KubernetesEmulator

from tests.deploy.crd import unknown_or_wrong

JOBS = kmock.resource("trainer.kubeflow.org", "v1alpha1", "trainjobs")
PODS = kmock.resource("", "v1", "pods")
EVENTS = kmock.resource("", "v1", "events")
NAMESPACE = "team"
_LOG = re.compile(rf"/api/v1/namespaces/{NAMESPACE}/pods/([^/]+)/log")


class _Api(KubernetesEmulator):
    """Everything that the launcher asks for comes through here."""

    def __attrs_post_init__(self):
        super().__attrs_post_init__()
        self.world = None

    async def __call__(self, raw):
        self.world.asked.append((raw.method, raw.path, dict(raw.query)))
        self.world.credentials.add(raw.headers.get("Authorization"))
        refused = self.world.refuse(raw.method, raw.path)
        if refused:
            status, message = refused
            return _status(status, message)
        log = _LOG.fullmatch(raw.path)
        if log:
            return await self._log(raw, log.group(1))
        return await super().__call__(raw)

    async def _handle(self, request):
        world = self.world
        if request.resource == JOBS and request.method.value == "POST":
            found = unknown_or_wrong(request.data) if request.params.get("fieldValidation") == "Strict" else []
            if found:
                return _status(400, f"strict decoding error: unknown field: {found}")
            stamped = {"uid": str(uuid.uuid4()), "creationTimestamp": _now()}
            request.data["metadata"] = {**request.data["metadata"], "namespace": NAMESPACE, **stamped}
        if request.resource == JOBS and request.method.value == "DELETE" and world.job(request.name):
            job = self.objects[JOBS, NAMESPACE, request.name]
            if request.data["preconditions"]["uid"] != job["metadata"]["uid"]:
                return _status(409, "the UID in the precondition does not match")
            if request.data["propagationPolicy"] == "Foreground":
                job.patch({"metadata": {"finalizers": ["foregroundDeletion"]}})
                asyncio.get_running_loop().call_later(world.leaving_s, world.collect, request.name)
        return await super()._handle(request)

    async def _serve_list(self, request):
        found = await super()._serve_list(request)
        labels = dict(pair.split("=") for pair in request.params.get("labelSelector", "").split(",") if pair)
        fields = dict(pair.split("=") for pair in request.params.get("fieldSelector", "").split(",") if pair)
        items = [each for each in found["items"] if labels.items() <= each["metadata"].get("labels", {}).items()]
        return {**found, "items": [each for each in items if all(each.get(k) == v for k, v in fields.items())]}

    async def _log(self, raw, pod):
        world = self.world
        if (PODS, NAMESPACE, pod) not in self.objects:
            return _status(404, f'pods "{pod}" not found')
        if world.phase(pod) == "Pending":
            return _status(400, f'container "node" in pod "{pod}" is waiting to start: ContainerCreating')
        lines = world.logs.setdefault(pod, [])
        if "tailLines" in raw.query:
            return aiohttp.web.Response(text="".join(f"{text}\n" for _, text in lines[-int(raw.query["tailLines"]) :]))
        since = raw.query.get("sinceTime", "")
        response = aiohttp.web.StreamResponse()
        await response.prepare(raw)
        at, generation = 0, world.generation
        while True:
            # Asked before the lines are sent: all of them are there then. A pod that is gone takes its log with it.
            ended = (PODS, NAMESPACE, pod) not in self.objects or world.phase(pod) in {"Succeeded", "Failed"}
            while at < len(lines):
                stamp, text = lines[at]
                at += 1
                if stamp[:19] >= since[:19]:
                    await response.write(f"{stamp} {text}\n".encode())
            if generation != world.generation:
                raw.transport.close()
                return response
            if ended:
                return response
            await asyncio.sleep(0.01)


class Kubernetes:
    """The cluster as a test sees it: what was asked, what is there, and the hands that move it."""

    def __init__(self):
        self.asked = []
        self.credentials = set()
        self.logs = {}
        self.generation = 0
        self.leaving_s = 0.2
        self.refuse = lambda method, path: None
        self._port = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._clock = datetime.now(UTC)
        self._run(self._make())

    async def _make(self):
        self.api = _Api()
        self.api.world = self
        for resource in (JOBS, PODS, EVENTS):
            self.api.resources[resource] = {"namespaced": True}
        await self.api.__aenter__()
        await self._listen()

    async def _listen(self):
        self.server = kmock.Server(self.api, port=self._port)
        await self.server.__aenter__()
        self._port = self.server.port

    def close(self):
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _close(self):
        self.generation += 1
        await self.server.__aexit__(None, None, None)
        await self.api.__aexit__(None, None, None)

    @contextmanager
    def away(self):
        """Nobody listens: connections are refused, and those that were open are cut."""
        self.cut_logs()
        self._run(self.server.__aexit__(None, None, None))
        yield
        self._run(self._listen())

    def cut_logs(self):
        self.generation += 1

    def kubeconfig(self, path):
        path.write_text(
            yaml.safe_dump(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "current-context": "here",
                    "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u", "namespace": NAMESPACE}}],
                    "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{self._port}"}}],
                    "users": [{"name": "u", "user": {"token": "secret"}}],
                }
            )
        )
        return path

    def job(self, name):
        key = (JOBS, NAMESPACE, name)
        return self.api.objects[key].raw if key in self.api.objects and not self.api.objects[key].deleted else None

    def wait_for(self, found, limit_s=20.0):
        """What `found` gives as soon as it gives something."""
        end = time.monotonic() + limit_s
        while time.monotonic() < end:
            value = found()
            if value:
                return value
            time.sleep(0.01)
        raise AssertionError(f"not within {limit_s} s")

    def wait_for_job(self, name, other_than=""):
        return self.wait_for(lambda: (job := self.job(name)) and job["metadata"]["uid"] != other_than and job)

    def put_job(self, manifest, **metadata):
        """A job that is there before the step comes."""
        stamped = {"uid": str(uuid.uuid4()), "namespace": NAMESPACE, **metadata}
        job = {**manifest, "metadata": {**manifest["metadata"], **stamped}}
        self.api.objects[JOBS, NAMESPACE, job["metadata"]["name"]] = job
        return job

    def add_pods(self, name, nodes, phase="Running", attempt="a"):
        """What JobSet makes of a job: one pod for each node, named and labelled as it does."""
        names = []
        for index in range(nodes):
            pod = f"{name}-node-0-{index}-{attempt}"
            labels = {
                "jobset.sigs.k8s.io/jobset-name": name,
                "jobset.sigs.k8s.io/replicatedjob-name": "node",
                "batch.kubernetes.io/job-completion-index": str(index),
            }
            metadata = {"name": pod, "namespace": NAMESPACE, "labels": labels, "creationTimestamp": _now()}
            self.api.objects[PODS, NAMESPACE, pod] = {"metadata": metadata, "status": {"phase": phase}}
            names.append(pod)
        return names

    def phase(self, pod):
        return self.api.objects[PODS, NAMESPACE, pod].raw["status"]["phase"]

    def set_status(self, pod, **status):
        self.api.objects[PODS, NAMESPACE, pod].patch({"status": status})

    def end_pod(self, pod, exit_code=0, reason="Error"):
        ended = {"exitCode": exit_code, "reason": reason if exit_code else "Completed", "finishedAt": _now()}
        container = {"name": "node", "state": {"terminated": ended}}
        self.set_status(pod, phase="Failed" if exit_code else "Succeeded", containerStatuses=[container])

    def remove_pod(self, pod):
        del self.api.objects[PODS, NAMESPACE, pod]

    def say(self, pod, *lines, same_time=False):
        for line in lines:
            self._clock += timedelta(0) if same_time else timedelta(milliseconds=7)
            self.logs.setdefault(pod, []).append((self._clock.strftime("%Y-%m-%dT%H:%M:%S.%f000Z"), line))

    def finish(self, name, kind, reason="", message=""):
        condition = {"type": kind, "status": "True", "reason": reason or kind, "message": message}
        self.api.objects[JOBS, NAMESPACE, name].patch({"status": {"conditions": [condition]}})

    def warn(self, about, reason, message):
        name = f"{about}.{uuid.uuid4().hex[:8]}"
        self.api.objects[EVENTS, NAMESPACE, name] = {
            "metadata": {"name": name, "namespace": NAMESPACE},
            "type": "Warning",
            "involvedObject": {"kind": "Pod", "name": about},
            "reason": reason,
            "message": message,
            "lastTimestamp": _now(),
        }

    def collect(self, name):
        """The garbage collector: the pods of a deleted job are gone, and then the job."""
        for resource, namespace, pod in list(self.api.objects.keys()):
            if resource == PODS and pod.startswith(f"{name}-"):
                del self.api.objects[resource, namespace, pod]
        if self.job(name):
            self.api.objects[JOBS, NAMESPACE, name].delete()

    def _run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)


def _now():
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _status(code, message):
    body = {"apiVersion": "v1", "kind": "Status", "status": "Failure", "code": code, "message": message}
    return aiohttp.web.json_response(text=json.dumps(body), status=code)

"""Kubernetes' liveness probe of Triton: 0 when the server and its models live, 1 when the container must be restarted.

Triton calls itself and a model "ready" also when the process that executes the model is dead; so each model is asked
for a small inference. A model is alive when it answers, when it answered somebody else while the probe waited (it is
busy), when it turns the probe's request down as wrong, and when it is not loaded: a start takes its time, and what
does not load is no better after a restart.

    python3 liveness.py [--url 127.0.0.1:8000] [--deadline 8] MODEL...

It runs in Triton's container: Python 3.10, the standard library, no key (inference and statistics are open). The
deadline must be longer than the longest inference of a full batch, and shorter than the probe's timeoutSeconds.
"""

from __future__ import annotations

import argparse
import http.client
import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

_SIDE = 32
_AGAIN_S = 0.25
_RESERVE_S = 1.5  # of the deadline, for the questions after an inference that was not answered
_FAILURES = 3  # errors in a row; one may be that of a model that is just being replaced
_UNAVAILABLE = 503  # a full queue
_SILENT = 599  # no status of HTTP's: no answer

# For models that take pictures' files. It is none: it comes back refused, and is not counted in any statistics.
_PICTURE = b"canary"


class Silent(Exception):
    """No answer in time, or no connection."""


class Server:
    """One Triton, over HTTP."""

    def __init__(self, url: str, deadline: float) -> None:
        """`deadline` is on the clock time.monotonic; until then every call waits for its answer."""
        self._url = url
        self._deadline = deadline

    def left_s(self) -> float:
        return self._deadline - time.monotonic()

    def is_ready(self, model: str) -> bool:
        return self._call("GET", f"models/{model}/ready")[0] == http.client.OK

    def config(self, model: str) -> dict:
        return json.loads(self._call("GET", f"models/{model}/config")[1] or b"{}")

    def successes(self, model: str) -> int:
        """How many requests have been answered so far."""
        answer = json.loads(self._call("GET", f"models/{model}/stats")[1])
        return sum(int(entry["inference_stats"]["success"].get("count", 0)) for entry in answer.get("model_stats", []))

    def infer(self, model: str, body: bytes, header_bytes: int) -> int:
        """The HTTP status of the answer, or _SILENT."""
        headers = {"Inference-Header-Content-Length": str(header_bytes), "Content-Type": "application/octet-stream"}
        try:
            return self._call("POST", f"models/{model}/infer", body, headers, reserve_s=_RESERVE_S)[0]
        except Silent:
            return _SILENT

    def _call(
        self, method: str, path: str, body: bytes | None = None, headers: dict | None = None, reserve_s: float = 0
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self._url, timeout=max(self.left_s() - reserve_s, 0.1))
        try:
            connection.request(method, f"/v2/{path}", body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise Silent(str(error) or type(error).__name__) from error
        finally:
            connection.close()


def request_for(config: dict) -> tuple[bytes, int] | None:
    """The body of a small request, and the length of its JSON part; None for a model that takes something else."""
    inputs = {tensor["name"]: tensor for tensor in config.get("input", [])}
    if "image" in inputs:
        shape = [1] * (int(config.get("max_batch_size", 0)) > 0) + [3, _SIDE, _SIDE]
        name, datatype, data, output = "image", "UINT8", bytes(3 * _SIDE * _SIDE), "scores"
    elif "picture" in inputs:
        shape = [len(_PICTURE)]
        name, datatype, data, output = "picture", "UINT8", _PICTURE, "answer"
    else:
        return None
    tensor = {"name": name, "datatype": datatype, "shape": shape, "parameters": {"binary_data_size": len(data)}}
    content = {"inputs": [tensor], "outputs": [{"name": output, "parameters": {"binary_data": True}}]}
    if config.get("dynamic_batching", {}).get("priority_levels"):
        content["parameters"] = {"priority": 1}  # before all who wait
    header = json.dumps(content).encode()
    return header + data, len(header)


def problem(server: Server, model: str) -> str:
    """Why the model is dead; empty when it lives."""
    try:
        if not server.is_ready(model):
            return ""
        config = server.config(model)
        request = request_for(config)
        if request is None:
            return ""
        # As many at a time as it has processes: one of them may be dead.
        instances = sum(int(group.get("count", 1)) for group in config.get("instance_group", [])) or 1
        with ThreadPoolExecutor(instances) as pool:
            return _ask(
                server, model, lambda: list(pool.map(lambda _: server.infer(model, *request), range(instances)))
            )
    except Silent as error:
        return f"the server does not answer: {error}"


def _ask(server: Server, model: str, ask: Callable[[], list[int]]) -> str:
    """Asks round by round: until all are answered, others are, a round failed three times, or the time is over."""
    found, failures, ours = "", 0, 0
    before = server.successes(model)
    while failures < _FAILURES and server.left_s() > _RESERVE_S:
        statuses = ask()
        bad = [status for status in statuses if status >= http.client.INTERNAL_SERVER_ERROR]
        if not bad:
            return ""
        ours += statuses.count(http.client.OK)
        if set(bad) <= {_SILENT, _UNAVAILABLE}:
            failures = 0
            found = "it is silent" if _SILENT in bad else "its queue is full"
            if server.successes(model) > before + ours:
                return ""
        else:
            failures += 1
            found = f"it fails with HTTP status {min(bad)}"
        time.sleep(_AGAIN_S)
    return found if server.is_ready(model) else ""


def main() -> int:
    """The exit code; what is dead is said on stderr, which Kubernetes shows in the pod's events."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--url", default="127.0.0.1:8000", help="Triton's HTTP, host:port [%(default)s]")
    parser.add_argument("--deadline", type=float, default=8.0, help="seconds for everything [%(default)s]")
    arguments = parser.parse_args()
    server = Server(arguments.url, time.monotonic() + arguments.deadline)
    with ThreadPoolExecutor(len(arguments.models)) as pool:
        reasons = list(pool.map(lambda model: problem(server, model), arguments.models))
    for model, reason in zip(arguments.models, reasons, strict=True):
        if reason:
            print(f"{model}: {reason}", file=sys.stderr)
    return int(any(reasons))


if __name__ == "__main__":
    sys.exit(main())

"""The front door's counters as Triton's metrics endpoint shows them."""

from __future__ import annotations

import re
import time

import requests

from sparseinst.serving import stack

_LINE = re.compile(r"(?P<name>sparseinst_\w+)\{(?P<labels>.*)\} (?P<value>\S+)")


def counters(servers: stack.StackState, model: str) -> dict[str, float]:
    """The values by name and labels but the model's, e.g. 'sparseinst_requests_total arm=service outcome=ok …'."""
    found = {}
    text = requests.get(f"http://127.0.0.1:{servers.ports['metrics']}/metrics", timeout=10).text
    for match in filter(None, map(_LINE.fullmatch, text.splitlines())):
        labels = dict(re.findall(r'(\w+)="([^"]*)"', match["labels"]))
        if labels.pop("model") == model:
            words = " ".join(f"{key}={value}" for key, value in sorted(labels.items()))
            found[f"{match['name']} {words}"] = float(match["value"])
    return found


def wait_for(servers: stack.StackState, model: str, name: str, value: float) -> dict[str, float]:
    """The counters, once one of them has a value: they are counted when the answer has left."""
    deadline = time.monotonic() + 30
    while (found := counters(servers, model)).get(name) != value and time.monotonic() < deadline:
        time.sleep(0.02)
    assert found.get(name) == value, found
    return found

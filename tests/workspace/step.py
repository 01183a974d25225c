"""The train component as a process of its own, as in a pod: `python -m tests.workspace.step ARGUMENTS_AS_JSON`."""

import json
import sys
from types import SimpleNamespace

from components.train.component import train

if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    dataset = SimpleNamespace(metadata={"location": given.pop("data")})
    outputs = {name: SimpleNamespace(path=f"{given['out']}/{name}", metadata={}) for name in ("model", "report")}
    del given["out"]
    train.python_func(dataset=dataset, **outputs, scores=SimpleNamespace(log_metric=lambda *_: None), **given)

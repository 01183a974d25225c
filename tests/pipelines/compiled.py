"""The compiled presets, taken apart for tests: what the pipeline is, and what a cluster gives to each step."""

from functools import cache

import yaml

from pipelines.compile import COMPILED


@cache
def documents(preset):
    """The pipeline's specification, and its platform's."""
    return tuple(yaml.safe_load_all((COMPILED / f"{preset}.yaml").read_text()))


def tasks(preset):
    """{task: its specification}, of the run and of what lies inside it."""
    spec = documents(preset)[0]
    dags = [spec["root"]["dag"], *(each["dag"] for each in spec["components"].values() if "dag" in each)]
    return {name: task for dag in dags for name, task in dag["tasks"].items()}


def steps(preset):
    """{step: task}, of tasks that are no groups of others; the TrainJob's step under the name of training."""
    groups = ("exit-handler", "condition")
    return {_step(name): task for name, task in tasks(preset).items() if not name.startswith(groups)}


def containers(preset):
    """{step: its container}."""
    executors = documents(preset)[0]["deploymentSpec"]["executors"]
    return {_step(name.removeprefix("exec-")): executor["container"] for name, executor in executors.items()}


def on_kubernetes(preset):
    """{step: what Kubernetes gives it}."""
    executors = documents(preset)[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    return {_step(name.removeprefix("exec-")): executor for name, executor in executors.items()}


def _step(name):
    return "train" if name == "train-job" else name

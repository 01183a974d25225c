"""What a run will ask of the cluster, step by step, read from the file that is sent; and how long it may take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipelines.platform.needs import StepNeeds, size_in_bytes
from pipelines.platform.preset import Preset
from pipelines.submit.compiled import Compiled, CompiledStep

_SHM = "/dev/shm"


@dataclass(frozen=True, kw_only=True, slots=True)
class Demand:
    """The pods of one step; `nodes` is more than 1 for those of a TrainJob. A `timeout_minutes` of 0 is without end."""

    step: str
    nodes: int = 1
    cpu: str = ""
    memory: str = ""
    gpus: int = 0
    accelerator: str = ""
    shm: str = ""
    retries: int = 0
    timeout_minutes: int = 0
    expected_minutes: float = 0.0
    image: str = ""
    cached: bool = False
    secrets: Sequence[str] = ()
    volumes: Sequence[str] = ()
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: Sequence[str] = ()

    @property
    def most_minutes(self) -> float | None:
        """All attempts, each up to its limit, without the pauses between them; None where nothing ends one."""
        return float(self.timeout_minutes * (1 + self.retries)) if self.timeout_minutes else None

    @property
    def cpus(self) -> float:
        return float(self.cpu[:-1]) / 1000 if self.cpu.endswith("m") else float(self.cpu or 0)

    @property
    def memory_gib(self) -> float:
        return size_in_bytes(self.memory) / 2**30 if self.memory else 0.0

    @property
    def on_spot(self) -> bool:
        """Whether it is sent to machines that may be taken away, by what the node selector says."""
        return any("spot" in f"{key}={value}".lower() for key, value in self.node_selector.items())


def demands(compiled: Compiled, preset: Preset) -> list[Demand]:
    """One for each step, and one more for the nodes of a training on several."""
    found = []
    for step in compiled.steps:
        found.append(_of_pod(step, preset.pod_of(step.name).expected_minutes if step.name in preset.steps else 0.0))
        if step.name == "train" and preset.several_nodes:
            found.append(_of_nodes(preset.steps["train"]))
    return found


def _of_pod(step: CompiledStep, expected_minutes: float) -> Demand:
    resources: Mapping[str, Any] = step.container.get("resources", {})
    accelerator: Mapping[str, Any] = resources.get("accelerator", {})
    folders = step.pod.get("emptyDirMounts", ())
    return Demand(
        step=step.name,
        cpu=str(resources.get("resourceCpuRequest", "")),
        memory=str(resources.get("resourceMemoryLimit", "")),
        gpus=int(accelerator.get("resourceCount", 0)),
        accelerator=str(accelerator.get("resourceType", "")),
        shm=next((str(each.get("sizeLimit", "")) for each in folders if each["mountPath"] == _SHM), ""),
        retries=step.retries,
        timeout_minutes=int(step.pod.get("activeDeadlineSeconds", 0)) // 60,
        expected_minutes=expected_minutes,
        image=str(step.container.get("image", "")),
        cached=step.cached,
        secrets=tuple(_secret(each) for each in step.pod.get("secretAsEnv", ())),
        volumes=tuple(_volumes(step.pod)),
        node_selector=step.pod.get("nodeSelector", {}).get("labels", {}),
        tolerations=tuple(_toleration(each) for each in step.pod.get("tolerations", ())),
    )


def _of_nodes(needs: StepNeeds) -> Demand:
    """The step starts a TrainJob; its nodes are pods that the compiled pipeline does not have."""
    return Demand(
        step="its nodes",
        nodes=needs.nodes,
        cpu=needs.cpu,
        memory=needs.memory,
        gpus=needs.gpus,
        accelerator=needs.accelerator if needs.gpus else "",
        shm=needs.shm,
        retries=needs.retries,
        timeout_minutes=needs.timeout_minutes,
        expected_minutes=needs.expected_minutes,
        node_selector=needs.node_selector,
        tolerations=tuple(_toleration(each) for each in needs.manifest_tolerations()),
    )


def _secret(each: Mapping[str, Any]) -> str:
    return f"{each['secretName']}{' (optional)' if each.get('optional') else ''}"


def _volumes(pod: Mapping[str, Any]) -> Iterable[str]:
    for claim in pod.get("pvcMount", ()):
        yield f"{claim['constant']} at {claim['mountPath']}"
    for folder in pod.get("emptyDirMounts", ()):
        if folder["mountPath"] != _SHM:
            yield f"{folder.get('sizeLimit', 'any size')} of the node's disk at {folder['mountPath']}"


def _toleration(each: Mapping[str, str]) -> str:
    return f"{each.get('key', 'any')}{'=' + each['value'] if each.get('value') else ''}"

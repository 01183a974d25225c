"""What a TrainJob is asked for: what to train, in which image, on how many nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sparseinst.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainJobRequest:
    """One training over several nodes. Paths are those that the nodes see, below `mount_path`; or s3:// addresses, from
    and to which each node copies.

    Raises:
        ConfigError: A value that cannot be meant.
    """

    run_id: str  # the pipeline run's: from it comes the job's name, so that a retried step finds its own job
    image: str
    data: str
    output: str  # checkpoints go there, and training resumes from there by itself
    config: str
    overrides: Sequence[str] = ()
    nodes: int = 2
    gpus_per_node: int = 1  # also the ranks per node; 0: one rank per node, on its CPUs
    cpus_per_node: str = "4"
    memory_per_node: str = "16Gi"
    shared_memory: str = "8Gi"  # /dev/shm, for data loading workers: a pod's default is 64 MB; counts as memory
    runtime: str = "sparseinst-torch"  # deploy/training
    runtime_kind: str = "TrainingRuntime"  # or ClusterTrainingRuntime, which all namespaces share
    workspace_claim: str = "sparseinst-workspace"  # of no use where the run's folder is in a bucket
    mount_path: str = "/workspace"
    scratch: str = ""  # the most that copies may take of a node's disk; "" sets no limit
    storage_secret: str = "sparseinst-s3-steps"  # "" for none
    active_deadline_s: int | None = None  # the cluster's own limit, which holds even where the step is gone
    max_restarts: int = 0  # of the ranks by torchrun, inside the pod; one node only, see docs/decisions/0006
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: Sequence[Mapping[str, Any]] = ()

    def __post_init__(self) -> None:
        _require(
            _is_address(self.data) == _is_address(self.output),
            "The data and the output of a training on nodes lie in different worlds: one in a bucket, one on a volume.",
            f"data {self.data}, output {self.output}",
            "Give the run one workspace, a folder on the volume or s3://bucket/prefix.",
        )
        _require(bool(self.run_id.strip()), "A TrainJob needs a run's id: its name comes from it.", "run_id")
        _require(self.nodes >= 1, f"A training needs a node; {self.nodes} were asked for.", "nodes")
        _require(self.gpus_per_node >= 0, f"A node cannot have {self.gpus_per_node} GPUs.", "gpus_per_node")
        _require(
            self.active_deadline_s is None or self.active_deadline_s >= 1,
            f"A limit of {self.active_deadline_s} seconds ends a job before it starts.",
            "active_deadline_s",
        )
        _require(self.max_restarts >= 0, f"{self.max_restarts} restarts cannot be meant.", "max_restarts")
        _require(
            self.max_restarts == 0 or self.nodes == 1,
            "Over several nodes, torchrun's agents do not restart their ranks in step and never meet again.",
            "max_restarts",
            "Leave it at 0: the runtime starts all nodes anew, and training goes on from its last saved state.",
        )

    @property
    def is_in_a_bucket(self) -> bool:
        """Whether the nodes copy from and to a bucket, and need no volume that all of them mount."""
        return _is_address(self.output)

    @property
    def ranks_per_node(self) -> int:
        return max(1, self.gpus_per_node)


def _is_address(place: str) -> bool:
    return "://" in place


def _require(good: bool, problem: str, where: str, fix: str = "") -> None:
    if not good:
        raise ConfigError(problem, where=where, fix=fix or "Give another value.")

"""What the stack remembers between commands: stack.json in its folder, readable by its owner only."""

from __future__ import annotations

import dataclasses
import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from sparseinst.errors import StackError
from sparseinst.files import write_text
from sparseinst.serving.key import KEY_VARIABLE
from sparseinst.serving.stack.ports import HOST
from sparseinst.serving.stack.supervisor import ProcessId

MODELS_BUCKET = "models"
DATA_BUCKET = "data"
REGION = "us-east-1"

WATCH = "watch"  # the name of the process that watches the servers

_FILE = "stack.json"


def default_root() -> Path:
    """The stack's folder: SPARSEINST_STACK_DIR, or .stack in the current folder."""
    return Path(os.environ.get("SPARSEINST_STACK_DIR") or ".stack")


@dataclass(frozen=True, kw_only=True)
class StackState:
    """One stack: its folder, ports, credentials and, by name ("s3", "triton", "watch"), its processes.

    Ports and credentials outlive the processes, so that a restarted stack is found where it was.
    """

    root: Path
    id: str = field(default_factory=lambda: f"sparseinst-{secrets.token_hex(4)}")
    access_key: str = field(default_factory=lambda: secrets.token_hex(10))
    secret_key: str = field(default_factory=lambda: secrets.token_hex(20))
    triton_key: str = field(default_factory=lambda: secrets.token_hex(20))  # who has it may load models
    ports: dict[str, int] = field(default_factory=dict)
    processes: dict[str, ProcessId] = field(default_factory=dict)

    @property
    def triton_url(self) -> str:
        """host:port of Triton's gRPC."""
        return f"{HOST}:{self.ports['grpc']}"

    @property
    def s3_url(self) -> str:
        return f"http://{HOST}:{self.ports['s3']}"

    @property
    def model_repository(self) -> str:
        """The model repository as every client sees it; Triton itself needs the server in the address."""
        return f"s3://{MODELS_BUCKET}"

    def environment(self) -> dict[str, str]:
        """What a child process needs in its environment to use this stack."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": self.s3_url,
            "SPARSEINST_TRITON_URL": self.triton_url,
            KEY_VARIABLE: self.triton_key,
        }

    def log(self, server: str) -> Path:
        return self.root / "logs" / f"{server}.log"

    def with_process(self, server: str, process: ProcessId) -> StackState:
        return dataclasses.replace(self, processes={**self.processes, server: process})

    def without_process(self, server: str) -> StackState:
        left = {name: process for name, process in self.processes.items() if name != server}
        return dataclasses.replace(self, processes=left)

    def write(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        content = dataclasses.asdict(self) | {"root": str(self.root)}
        old_mask = os.umask(0o077)
        try:
            write_text(self.root / _FILE, json.dumps(content, indent=2) + "\n")
        finally:
            os.umask(old_mask)


def read_state(root: Path) -> StackState | None:
    """The state of the stack in `root`, or None where there never was one.

    Raises:
        StackError: The file is damaged.
    """
    path = root.resolve() / _FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        processes = {name: ProcessId(**process) for name, process in content.pop("processes").items()}
        return StackState(**content | {"root": root.resolve(), "processes": processes})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise StackError(
            f"The stack's state cannot be read ({error}).",
            where=str(path),
            fix="End its servers by hand (`ss -ltnp` shows them), then delete this file.",
        ) from error

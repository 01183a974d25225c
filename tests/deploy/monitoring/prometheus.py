"""The real promtool and Prometheus, put to work on the rules as they stand in deploy/monitoring."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from deploy.monitoring.queries import rule_groups
from sparseinst.serving.stack import supervisor
from sparseinst.serving.stack.ports import choose_port

_START_LIMIT_S = 60


def require(program: str) -> str:
    """Its path; skips where it is not installed."""
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"needs {program}: `make promtool` installs Debian's package prometheus")
    return path


def write_rules(folder: Path, interval: str = "") -> list[Path]:
    """The rules as files that Prometheus itself reads; with `interval`, all groups are evaluated so often."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, groups in rule_groups():
        changed = [{**group, "interval": interval} if interval else group for group in groups]
        written.append(folder / name)
        written[-1].write_text(yaml.safe_dump({"groups": changed}, sort_keys=False))
    return written


@dataclass(frozen=True)
class Prometheus:
    """One that runs."""

    url: str

    def ask(self, query: str) -> list[dict[str, Any]]:
        """The series that answer a query at this moment."""
        answer = requests.post(f"{self.url}/api/v1/query", data={"query": query}, timeout=10).json()
        assert answer["status"] == "success", (query, answer)
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found

    def rules(self) -> list[dict[str, Any]]:
        """Every rule, with how its last evaluation went."""
        groups = requests.get(f"{self.url}/api/v1/rules", timeout=10).json()["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def targets(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = requests.get(f"{self.url}/api/v1/targets", timeout=10).json()["data"][
            "activeTargets"
        ]
        return found


@contextmanager
def running(folder: Path, jobs: Mapping[str, tuple[str, Mapping[str, str]]]) -> Iterator[Prometheus]:
    """A Prometheus that scrapes and evaluates every second.

    Args:
        jobs: Of each: host:port, and the labels that its target has. Labels that a scrape says itself win, as the
            operator has it for kube-state-metrics and the kubelet.
    """
    program = require("prometheus")
    rules = write_rules(folder / "rules", interval="1s")
    configuration = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(path) for path in rules],
        "scrape_configs": [
            {
                "job_name": job,
                "honor_labels": True,
                "static_configs": [{"targets": [address], "labels": dict(labels)}],
            }
            for job, (address, labels) in jobs.items()
        ],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    address = f"127.0.0.1:{choose_port(())}"
    log = folder / "prometheus.log"
    process = supervisor.start(
        [
            program,
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={address}",
        ],
        environment={},
        folder=folder,
        log=log,
    )
    try:
        supervisor.wait_until_ready("Prometheus", process, log, lambda: _is_ready(f"http://{address}"), _START_LIMIT_S)
        yield Prometheus(f"http://{address}")
    finally:
        supervisor.stop(process)


def promtool(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """What it says; skips where it is not installed."""
    return subprocess.run([require("promtool"), *arguments], capture_output=True, text=True, check=False, cwd=cwd)


def _is_ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/-/ready", timeout=5).ok
    except requests.RequestException:
        return False

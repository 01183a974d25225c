"""`make dashboards`: checks what is asked of Prometheus, lays the dashboard out, and loads it into Grafana if told."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from deploy.monitoring.catalogue import HERE, read_catalogue
from deploy.monitoring.layout import dashboard
from deploy.monitoring.queries import DASHBOARD, dashboard_queries, read_dashboard, rule_queries
from sparseinst.cli.ending import exit_code_of
from sparseinst.cli.output import emit
from sparseinst.errors import ConfigError
from sparseinst.files import write_json

OUTPUT = DASHBOARD.with_suffix(".json")


@click.command("dashboards")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(as_json: bool) -> None:
    """Check every query, write the dashboard as Grafana's JSON, and load it where GRAFANA_URL says.

    \b
    Example:
      python -m deploy.monitoring
      GRAFANA_URL=https://grafana.example GRAFANA_TOKEN=glsa_… python -m deploy.monitoring
    """
    made = dashboard(read_dashboard())
    checked = check()
    write_json(OUTPUT, made)
    panels = sum(panel["type"] != "row" for panel in made["panels"])
    result: dict[str, Any] = {"dashboard": str(OUTPUT), "panels": panels, "queries": checked, "url": ""}
    lines = [f"{checked} queries ask only for what is exported", f"{_near(OUTPUT)}: {panels} panels"]
    if url := os.environ.get("GRAFANA_URL", ""):
        from deploy.monitoring.grafana import upload

        folder = os.environ.get("GRAFANA_FOLDER", "")
        result["url"] = upload(made, url, os.environ.get("GRAFANA_TOKEN", ""), folder, message="make dashboards")
        lines.append(f"loaded: {result['url']}")
    else:
        lines += [
            "To load it:",
            "  kubectl apply -k deploy/monitoring/dashboards -n NAMESPACE       where Grafana's sidecar watches",
            "  GRAFANA_URL=https://… GRAFANA_TOKEN=… make dashboards            GRAFANA_FOLDER=uid for a folder",
            f"  Grafana / Dashboards / New / Import, and the file {_near(OUTPUT)}",
        ]
    emit(result, as_json, lines)


def check() -> int:
    """How many queries there are; ConfigError where one of them asks for what nobody exports."""
    from deploy.monitoring.promql import findings

    queries = [*rule_queries(), *dashboard_queries(read_dashboard())]
    found = findings(queries, read_catalogue())
    if found:
        raise ConfigError(
            "Some queries cannot be answered.",
            where=str(HERE),
            details=found,
            fix="Write what is exported; a metric that is new goes into metrics.yaml, with how that is known.",
        )
    return len(queries)


def _near(path: Path) -> Path:
    """A path as seen from the repository's root."""
    root = HERE.parents[1]
    return path.relative_to(root) if path.is_relative_to(root) else path


if __name__ == "__main__":
    sys.exit(exit_code_of(command))

"""A run without the cache. The SDK's own switch does nothing for a pipeline that was uploaded, so its file says it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml


def switch_caching_off(compiled: Path) -> None:
    """Rewrites the compiled pipeline so that no step is answered from the cache. It becomes a version of its own."""
    documents: list[dict[str, Any]] = list(yaml.safe_load_all(compiled.read_text(encoding="utf-8")))
    pipeline = documents[0]
    for component in (pipeline["root"], *pipeline["components"].values()):
        for task in component.get("dag", {}).get("tasks", {}).values():
            if "cachingOptions" in task:
                task["cachingOptions"] = {}
    compiled.write_text(yaml.safe_dump_all(documents), encoding="utf-8")

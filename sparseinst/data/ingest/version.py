"""Which version of the data a source is, as DVC knows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml


def data_version(source: str) -> str:
    """What the DVC file beside a source, or beside a folder that it lies in, says: "md5:7b17….dir", or for a part
    of that folder "md5:7b17….dir/sample". Empty where no DVC file tracks the source.
    """
    path = Path(source)
    if "://" in source or not path.exists():
        return ""
    path = path.resolve()
    for folder in (path, *path.parents):
        digest = _tracked(folder)
        if digest:
            inside = path.relative_to(folder).as_posix()
            return f"md5:{digest}" if inside == "." else f"md5:{digest}/{inside}"
    return ""


def _tracked(folder: Path) -> str:
    """The hash that `<folder>.dvc` has for the folder, empty where there is no such file."""
    try:
        content: Any = yaml.safe_load(folder.with_name(f"{folder.name}.dvc").read_text(encoding="utf-8"))
        outputs = content["outs"]
        return next(str(output["md5"]) for output in outputs if output["path"] == folder.name)
    except (OSError, ValueError, yaml.YAMLError, KeyError, TypeError, StopIteration):
        return ""

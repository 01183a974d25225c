"""Where a run's files are: runs/<time>, and runs/latest that points to the newest."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path


def new_run_folder(runs: Path) -> Path:
    """Makes runs/<time> and lets runs/latest point to it. Two runs in one second get two folders."""
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    for name in (stamp, *(f"{stamp}-{again}" for again in range(2, 1000))):
        folder = runs / name
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        _point(runs / "latest", name)
        return folder
    raise FileExistsError(runs / stamp)


def _point(link: Path, target: str) -> None:
    temporary = link.with_name(f".latest.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    os.replace(temporary, link)

"""A clone gets its data with no account: the default remote lies in the repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from sparseinst.data.coco import load_coco

ROOT = Path(__file__).parents[2]


def test_a_new_user_pulls_the_sample_with_an_empty_home(tmp_path: Path):
    clone, home = tmp_path / "clone", tmp_path / "home"
    home.mkdir()
    (clone / ".dvc").mkdir(parents=True)
    shutil.copy(ROOT / "data.dvc", clone)
    shutil.copy(ROOT / ".dvc" / "config", clone / ".dvc")
    (clone / ".dvc-sample").symlink_to(ROOT / ".dvc-sample")
    with (clone / ".dvc" / "config.local").open("w") as local:
        local.write("[core]\n    no_scm = true\n")  # the clone is no git repository here
    pulled = subprocess.run(
        [sys.executable, "-m", "dvc", "pull"],
        cwd=clone,
        env={"HOME": str(home), "PATH": os.environ["PATH"], "DVC_SITE_CACHE_DIR": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert pulled.returncode == 0, pulled.stderr
    for split, least in (("train", 500), ("val", 100)):
        content = load_coco(clone / "data/sample/annotations" / f"{split}.json", clone / "data/sample/images")
        assert len(content["images"]) >= least


def test_the_data_in_the_repository_stays_small():
    files = [path for path in (ROOT / ".dvc-sample").rglob("*") if path.is_file()]
    sizes = [path.stat().st_size for path in files]
    assert sum(sizes) < 6_000_000
    assert max(sizes) < 2_000_000

"""The remote `s3` that the repository configures holds large data; endpoint and credentials are not committed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.stack


def test_data_goes_to_the_s3_remote_and_comes_back(s3_server: dict[str, str], tmp_path: Path):
    repository = tmp_path / "repository"
    (repository / ".dvc").mkdir(parents=True)
    shutil.copy(ROOT / ".dvc" / "config", repository / ".dvc")
    environment = {
        "HOME": str(tmp_path),
        "PATH": os.environ["PATH"],
        "DVC_SITE_CACHE_DIR": str(tmp_path / "site"),
        "AWS_ACCESS_KEY_ID": s3_server["AWS_ACCESS_KEY_ID"],
        "AWS_SECRET_ACCESS_KEY": s3_server["AWS_SECRET_ACCESS_KEY"],
    }

    def dvc(*arguments: str) -> None:
        command = [sys.executable, "-m", "dvc", *arguments]
        done = subprocess.run(
            command, cwd=repository, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr

    endpoint = s3_server["AWS_ENDPOINT_URL"]
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )
    client.create_bucket(Bucket="sparseinst-data")
    dvc("config", "--local", "core.no_scm", "true")
    dvc("remote", "modify", "--local", "s3", "endpointurl", endpoint)
    (repository / "big.bin").write_bytes(b"large")
    dvc("add", "big.bin")
    dvc("push", "--remote", "s3")
    shutil.rmtree(repository / ".dvc" / "cache")
    (repository / "big.bin").unlink()
    dvc("pull", "--remote", "s3")
    assert (repository / "big.bin").read_bytes() == b"large"

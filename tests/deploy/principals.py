"""A real S3 server that knows the principals of deploy/storage, each with its name as its key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.deploy.rendered import DEPLOY
from tests.s3_server import running_s3

IDENTITIES = DEPLOY / "storage" / "seaweedfs" / "identities.json"
BUCKETS = ("data", "models", "scratch")
OWNER = "owner"


def secret_of(name: str) -> str:
    return f"{name}-secret"


@pytest.fixture(scope="module")
def s3_of_principals(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address; it has the three buckets, empty, and an owner who may do anything."""
    folder = tmp_path_factory.mktemp("principals")
    identities = json.loads(IDENTITIES.read_text())["identities"]
    identities.append({"name": OWNER, "actions": ["Admin"]})
    for each in identities:
        each["credentials"] = [{"accessKey": each["name"], "secretKey": secret_of(each["name"])}]
    (folder / "identities.json").write_text(json.dumps({"identities": identities}))
    with running_s3(folder, f"-s3.config={folder / 'identities.json'}") as environment:
        for bucket in BUCKETS:
            client(environment["AWS_ENDPOINT_URL"], OWNER).create_bucket(Bucket=bucket)
        yield environment["AWS_ENDPOINT_URL"]


def client(address: str, name: str, secret: str = "") -> Any:
    """boto3's client of one principal."""
    import boto3
    from botocore.config import Config

    return boto3.session.Session().client(
        "s3",
        endpoint_url=address,
        region_name="us-east-1",
        aws_access_key_id=name,
        aws_secret_access_key=secret or secret_of(name),
        config=Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}),
    )

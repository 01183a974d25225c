"""A storage that is a bucket of an S3 server, by boto3. Endpoint and credentials come from the AWS_* environment."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from sparseinst.storage.base import Entries, Entry, Keys, Storage, check_key
from sparseinst.storage.s3_errors import code_of, explain

# What says where the server is and who we are: all that a pod needs of a secret.
VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION")

_KEYS_A_REQUEST = 1000  # the most that DeleteObjects takes
_CREATE_REFUSED = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}
_TIMEOUTS_S = (5, 30)  # to connect; between two pieces of an answer


class S3Storage(Storage):
    """Objects of one bucket below a prefix. A put is atomic by S3's own promise."""

    def __init__(self, bucket: str, prefix: str) -> None:
        self.bucket = bucket
        self.prefix = prefix
        self.uri = f"s3://{bucket}/{prefix}".rstrip("/")

    def list(self, prefix: str = "") -> Keys:
        return [entry.key for entry in self.entries(prefix)]

    def entries(self, prefix: str = "") -> Entries:
        root = f"{self.prefix}/" if self.prefix else ""
        folder = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        with self.errors(prefix):
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=root + folder)
            found = [
                Entry(item["Key"].removeprefix(root), item["Size"], item["LastModified"].timestamp())
                for page in pages
                for item in page.get("Contents", ())
            ]
        # Some tools leave empty objects with a trailing slash as signs of a folder.
        return sorted(
            (entry for entry in found if entry.key and not entry.key.endswith("/")), key=lambda entry: entry.key
        )

    def read_bytes(self, key: str) -> bytes:
        name = self.name(key)
        with self.errors(key):
            content: bytes = self.client.get_object(Bucket=self.bucket, Key=name)["Body"].read()
        return content

    def write_bytes(self, key: str, content: bytes) -> None:
        name = self.name(key)
        with self.errors(key):
            self.client.put_object(Bucket=self.bucket, Key=name, Body=content)

    def create(self, key: str, content: bytes) -> bool:
        from botocore.exceptions import ClientError

        name = self.name(key)
        with self.errors(key):
            try:
                self.client.put_object(Bucket=self.bucket, Key=name, Body=content, IfNoneMatch="*")
            except ClientError as error:
                if code_of(error) in _CREATE_REFUSED:
                    return False
                raise
        return True

    def upload(self, path: Path, key: str) -> None:
        name = self.name(key)
        with self.errors(key):
            self.client.upload_file(str(path), self.bucket, name)

    def download(self, key: str, path: Path) -> None:
        name = self.name(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        with self.errors(key):
            self.client.download_file(self.bucket, name, str(path))  # boto3 renames a temporary file itself

    def url(self, key: str, seconds: int = 3600) -> str:
        """A URL from which anyone can read the file for so long. It holds a signature: show it to nobody."""
        target = {"Bucket": self.bucket, "Key": self.name(key)}
        with self.errors(key):
            self.client.head_object(**target)  # a URL is signed without asking; what is wrong shall be said now
            url: str = self.client.generate_presigned_url("get_object", Params=target, ExpiresIn=seconds)
        return url

    def exists(self, key: str) -> bool:
        from botocore.exceptions import ClientError

        name = self.name(key)
        with self.errors(key):
            try:
                self.client.head_object(Bucket=self.bucket, Key=name)
            except ClientError as error:
                if code_of(error) == "404":
                    return False
                raise
        return True

    def delete(self, key: str) -> None:
        name = self.name(key)
        with self.errors(key):
            self.client.delete_object(Bucket=self.bucket, Key=name)

    def delete_prefix(self, prefix: str) -> None:
        check_key(prefix, self.uri)
        names = [{"Key": self.name(key)} for key in self.list(prefix)]
        with self.errors(prefix):
            for start in range(0, len(names), _KEYS_A_REQUEST):
                batch = {"Objects": names[start : start + _KEYS_A_REQUEST], "Quiet": True}
                self.client.delete_objects(Bucket=self.bucket, Delete=batch)

    def name(self, key: str) -> str:
        """The object's key in the bucket."""
        check_key(key, self.uri)
        return f"{self.prefix}/{key}" if self.prefix else key

    @cached_property
    def client(self) -> Any:
        """boto3's client; threads may share it."""
        import boto3
        from botocore.config import Config

        own_server = bool(os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL"))
        config = Config(
            connect_timeout=_TIMEOUTS_S[0],
            read_timeout=_TIMEOUTS_S[1],
            retries={"mode": "standard"},  # how often is the user's choice: AWS_MAX_ATTEMPTS
            max_pool_connections=64,
            signature_version="s3v4",  # for URLs boto3 would still choose version 2
            # Servers other than Amazon's: no host name for each bucket, no checksums that they may not know.
            s3={"addressing_style": "path" if own_server else "auto"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        return boto3.session.Session().client("s3", config=config)

    @contextmanager
    def errors(self, key: str) -> Iterator[None]:
        """Turns what boto3 raises into a StorageError that says what to do."""
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except Boto3Error as error:  # a failed upload: what happened is in the error that it hides
            raise explain(error.__context__ or error, self.uri, key) from error
        except (BotoCoreError, ClientError, OSError) as error:
            raise explain(error, self.uri, key) from error

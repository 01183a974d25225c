"""A storage that is a bucket of an S3 server, by boto3. Endpoint and credentials come from the AWS_* environment."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from sparseinst.errors import StorageError
from sparseinst.storage.base import Keys, Storage, check_key

_KEYS_A_REQUEST = 1000  # the most that DeleteObjects takes
_CREATE_REFUSED = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}
_CHECK_CREDENTIALS = "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to a key that may use this bucket."
_FIXES = {
    "NoSuchBucket": ("The bucket does not exist.", "Create the bucket, or check its name."),
    "NoSuchKey": ("There is no file KEY in the bucket.", "Check the name, or upload the file first."),
    "404": ("There is no file KEY in the bucket, or no such bucket.", "Check the names, or upload the file first."),
    "InvalidAccessKeyId": ("The server does not know this access key.", _CHECK_CREDENTIALS),
    "SignatureDoesNotMatch": ("The secret key does not belong to the access key.", _CHECK_CREDENTIALS),
    "AccessDenied": ("The server refuses access.", _CHECK_CREDENTIALS),
    "403": ("The server refuses access.", _CHECK_CREDENTIALS),
}


class S3Storage(Storage):
    """Objects of one bucket below a prefix. A put is atomic by S3's own promise."""

    def __init__(self, bucket: str, prefix: str) -> None:
        self.bucket = bucket
        self.prefix = prefix
        self.uri = f"s3://{bucket}/{prefix}".rstrip("/")

    def list(self, prefix: str = "") -> Keys:
        root = f"{self.prefix}/" if self.prefix else ""
        folder = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        with self._errors(prefix):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=root + folder)
            names = [entry["Key"].removeprefix(root) for page in pages for entry in page.get("Contents", ())]
        # Some tools leave empty objects with a trailing slash as signs of a folder.
        return sorted(name for name in names if name and not name.endswith("/"))

    def read_bytes(self, key: str) -> bytes:
        name = self._name(key)
        with self._errors(key):
            content: bytes = self._client.get_object(Bucket=self.bucket, Key=name)["Body"].read()
        return content

    def write_bytes(self, key: str, content: bytes) -> None:
        name = self._name(key)
        with self._errors(key):
            self._client.put_object(Bucket=self.bucket, Key=name, Body=content)

    def create(self, key: str, content: bytes) -> bool:
        from botocore.exceptions import ClientError

        name = self._name(key)
        with self._errors(key):
            try:
                self._client.put_object(Bucket=self.bucket, Key=name, Body=content, IfNoneMatch="*")
            except ClientError as error:
                if _code(error) in _CREATE_REFUSED:
                    return False
                raise
        return True

    def upload(self, path: Path, key: str) -> None:
        name = self._name(key)
        with self._errors(key):
            self._client.upload_file(str(path), self.bucket, name)

    def download(self, key: str, path: Path) -> None:
        name = self._name(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._errors(key):
            self._client.download_file(self.bucket, name, str(path))  # boto3 renames a temporary file itself

    def url(self, key: str, seconds: int = 3600) -> str:
        """A URL from which anyone can read the file for so long. It holds a signature: show it to nobody."""
        target = {"Bucket": self.bucket, "Key": self._name(key)}
        with self._errors(key):
            self._client.head_object(**target)  # a URL is signed without asking; what is wrong shall be said now
            url: str = self._client.generate_presigned_url("get_object", Params=target, ExpiresIn=seconds)
        return url

    def exists(self, key: str) -> bool:
        from botocore.exceptions import ClientError

        name = self._name(key)
        with self._errors(key):
            try:
                self._client.head_object(Bucket=self.bucket, Key=name)
            except ClientError as error:
                if _code(error) == "404":
                    return False
                raise
        return True

    def delete(self, key: str) -> None:
        name = self._name(key)
        with self._errors(key):
            self._client.delete_object(Bucket=self.bucket, Key=name)

    def delete_prefix(self, prefix: str) -> None:
        check_key(prefix, self.uri)
        names = [{"Key": self._name(key)} for key in self.list(prefix)]
        with self._errors(prefix):
            for start in range(0, len(names), _KEYS_A_REQUEST):
                batch = {"Objects": names[start : start + _KEYS_A_REQUEST], "Quiet": True}
                self._client.delete_objects(Bucket=self.bucket, Delete=batch)

    def _name(self, key: str) -> str:
        check_key(key, self.uri)
        return f"{self.prefix}/{key}" if self.prefix else key

    @cached_property
    def _client(self) -> Any:
        import boto3
        from botocore.config import Config

        own_server = bool(os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL"))
        config = Config(
            connect_timeout=5,
            read_timeout=60,
            retries={"mode": "standard"},  # how often is the user's choice: AWS_MAX_ATTEMPTS
            max_pool_connections=32,
            signature_version="s3v4",  # for URLs boto3 would still choose version 2
            # Servers other than Amazon's: no host name for each bucket, no checksums that they may not know.
            s3={"addressing_style": "path" if own_server else "auto"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        return boto3.session.Session().client("s3", config=config)

    @contextmanager
    def _errors(self, key: str) -> Iterator[None]:
        """Turns what boto3 raises into a StorageError that says what to do."""
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except Boto3Error as error:  # a failed upload: what happened is in the error that it hides
            raise self._explain(error.__context__ or error, key) from error
        except (BotoCoreError, ClientError, OSError) as error:
            raise self._explain(error, key) from error

    def _explain(self, error: BaseException, key: str) -> StorageError:
        from botocore.exceptions import ClientError, HTTPClientError, NoCredentialsError
        from botocore.exceptions import ConnectionError as NoConnectionError

        server = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or "Amazon S3"
        where = f"{self.uri}/{key} at {server}" if key else f"{self.uri} at {server}"
        if isinstance(error, ClientError):
            code = _code(error)
            problem, fix = _FIXES.get(code, (f"The S3 server answers {code or 'an error'}: {error}", "See its log."))
            return StorageError(problem.replace("KEY", repr(key)), where=where, fix=fix)
        if isinstance(error, NoCredentialsError):
            return StorageError("There are no S3 credentials.", where=where, fix=_CHECK_CREDENTIALS)
        if isinstance(error, NoConnectionError | HTTPClientError):
            fix = "Start the server (`sparseinst stack up`), or set AWS_ENDPOINT_URL to where it is."
            return StorageError("The S3 server does not answer.", where=where, fix=fix)
        return StorageError(f"The copy failed: {error}", where=where, fix="Check the local disk and AWS_ENDPOINT_URL.")


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))

"""From a place that a user wrote to the storage that reads and writes there."""

from __future__ import annotations

import re
from pathlib import Path

from sparseinst.errors import StorageError
from sparseinst.storage.base import Storage
from sparseinst.storage.directory import DirectoryStorage
from sparseinst.storage.s3 import S3Storage

_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*)://")


def open_storage(uri: str) -> Storage:
    """The storage at a directory's path or at s3://bucket/prefix. Nothing is contacted yet.

    The S3 server and the credentials come from the environment, as for every AWS tool: AWS_ENDPOINT_URL,
    AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, …

    Raises:
        StorageError: The place has another scheme, or no bucket.
    """
    scheme = _SCHEME.match(uri)
    if scheme is None:
        return DirectoryStorage(Path(uri))
    if scheme[1] != "s3":
        raise StorageError(
            f"There is no storage for {scheme[1]}:// places.", where=uri, fix="Give a directory or s3://bucket/prefix."
        )
    bucket, _, prefix = uri[len("s3://") :].partition("/")
    if not bucket:
        raise StorageError("The place names no bucket.", where=uri, fix="Write it as s3://bucket/prefix.")
    return S3Storage(bucket, prefix.strip("/"))

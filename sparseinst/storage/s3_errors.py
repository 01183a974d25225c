"""What the errors of boto3 mean: for a person who must mend something, and for a program that may ask again."""

from __future__ import annotations

import os
from typing import Any

from sparseinst.errors import StorageError

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
_BUSY = {408, 429}  # and everything from 500 on


def explain(error: BaseException, uri: str, key: str) -> StorageError:
    from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError, NoCredentialsError
    from botocore.exceptions import ConnectionError as NoConnectionError

    server = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or "Amazon S3"
    where = f"{uri}/{key} at {server}" if key else f"{uri} at {server}"
    if isinstance(error, ClientError):
        code = code_of(error)
        problem, fix = _FIXES.get(code, (f"The S3 server answers {code or 'an error'}: {error}", "See its log."))
        return StorageError(problem.replace("KEY", repr(key)), where=where, fix=fix)
    if isinstance(error, NoCredentialsError):
        return StorageError("There are no S3 credentials.", where=where, fix=_CHECK_CREDENTIALS)
    if isinstance(error, NoConnectionError | HTTPClientError | IncompleteReadError):
        fix = "Start the server (`sparseinst stack up`), or set AWS_ENDPOINT_URL to where it is."
        return StorageError("The S3 server does not answer.", where=where, fix=fix)
    return StorageError(f"The copy failed: {error}", where=where, fix="Check the local disk and AWS_ENDPOINT_URL.")


def may_be_over_soon(error: BaseException) -> bool:
    """Whether asking again may help: the connection broke or hung, or the server is busy or ill."""
    from boto3.exceptions import RetriesExceededError
    from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError
    from botocore.exceptions import ConnectionError as NoConnectionError

    if isinstance(error, ClientError):
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        return status in _BUSY or status >= 500
    return isinstance(error, HTTPClientError | NoConnectionError | IncompleteReadError | RetriesExceededError)


def code_of(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))

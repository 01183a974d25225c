"""One object of a bucket into one local file, over a network that fails: busy servers, cut and silent connections."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sparseinst.errors import StorageError
from sparseinst.log import get_logger
from sparseinst.progress import Advance
from sparseinst.storage.base import Entry
from sparseinst.storage.s3 import S3Storage
from sparseinst.storage.s3_errors import may_be_over_soon
from sparseinst.storage.transfer import Stopped

log = get_logger("storage")

T = TypeVar("T")

_LARGE_BYTES = 64 << 20  # from here on several ranges at a time are worth their requests
_CHUNK_BYTES = 1 << 18
_FAILURES = 6  # each after boto3's own attempts at the request (AWS_MAX_ATTEMPTS, by default 3)
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 20.0


def fetch_object(storage: S3Storage, entry: Entry, path: Path, advance: Advance, stop: threading.Event) -> None:
    """Brings an object to `path`, with the time of its last change, once it is whole.

    It is read as a stream; from 64 MB on as several ranges at a time. What may be over soon is tried again, with
    longer and longer waits; a connection that says nothing for 30 s counts as broken.

    Args:
        storage: Where it lies.
        entry: What the storage's list says of it.
        path: Where it goes, in a folder that exists.
        advance: Is told the bytes that come, and less than none for those that are thrown away.
        stop: Ends the work as soon as it is set.

    Raises:
        StorageError: It cannot be had.
        Stopped: `stop` was set.
    """
    part = path.with_name(f".{path.name}.part")

    def attempt() -> None:
        with storage.errors(entry.key):
            modified = (_ranges if entry.size > _LARGE_BYTES else _stream)(storage, entry, part, advance, stop)
            os.utime(part, (modified, modified))
            os.replace(part, path)

    try:
        patiently(attempt, entry.key, stop)
    finally:
        part.unlink(missing_ok=True)


def patiently(action: Callable[[], T], about: str, stop: threading.Event) -> T:
    """What `action` gives. It is called again, after longer and longer waits, where its StorageError may be over soon.

    Raises:
        StorageError: The last of them.
        Stopped: `stop` was set.
    """
    failures = 0
    while True:
        failures += 1
        try:
            return action()
        except StorageError as error:
            if failures == _FAILURES or not may_be_over_soon(error.__cause__ or error):
                raise
            wait_s = min(_FIRST_WAIT_S * 2 ** (failures - 1), _LONGEST_WAIT_S) * random.uniform(0.75, 1.25)
            log.warning("%s: %s Trying again in %.1f s", about, error.problem, wait_s)
            if stop.wait(wait_s):
                raise Stopped from None


def _stream(storage: S3Storage, entry: Entry, part: Path, advance: Advance, stop: threading.Event) -> float:
    """Reads the object at one go; gives the time of its last change."""
    answer = storage.client.get_object(Bucket=storage.bucket, Key=storage.name(entry.key))
    body, came = answer["Body"], 0
    try:
        with part.open("wb") as file:
            for chunk in body.iter_chunks(_CHUNK_BYTES):  # its end checks that all came that was promised
                if stop.is_set():
                    raise Stopped
                file.write(chunk)
                came += len(chunk)
                advance(len(chunk))
    except BaseException:
        advance(-came)
        raise
    finally:
        body.close()
    return float(answer["LastModified"].timestamp())


def _ranges(storage: S3Storage, entry: Entry, part: Path, advance: Advance, stop: threading.Event) -> float:
    """Reads pieces of 16 MB, four at a time. boto3 asks for all of one version, and takes back what it lost."""
    from boto3.s3.transfer import TransferConfig

    came = 0

    def count(amount: int) -> None:
        nonlocal came
        if stop.is_set():
            raise Stopped
        came += amount
        advance(amount)

    config = TransferConfig(multipart_threshold=_LARGE_BYTES, multipart_chunksize=16 << 20, max_concurrency=4)
    name = storage.name(entry.key)
    try:
        storage.client.download_file(storage.bucket, name, str(part), Callback=count, Config=config)
    except BaseException:
        advance(-came)
        raise
    return entry.modified

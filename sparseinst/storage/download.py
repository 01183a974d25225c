"""Large files by http(s): whole or absent, checked, and resumed where an earlier attempt ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sparseinst.errors import StorageError
from sparseinst.files import sha256_of_file, write_text
from sparseinst.log import get_logger
from sparseinst.storage.disk import disk_errors
from sparseinst.storage.partial import Partial
from sparseinst.storage.request import Interrupted, request_rest, show_alone, without_secrets
from sparseinst.storage.transfer import Show

log = get_logger("storage")

_FAILURES_IN_A_ROW = 5
_FIRST_WAIT_S, _LONGEST_WAIT_S = 1.0, 60.0
_CHECK_NETWORK = "Check the network and HTTPS_PROXY."


def download(
    url: str | Callable[[], str],
    path: Path,
    *,
    sha256: str = "",
    place: str = "",
    unreachable_fix: str = _CHECK_NETWORK,
    show: Show = show_alone,
) -> bool:
    """Fetches a file into `path`, unless `holds(path, sha256)` says that it is there.

    Whatever ends it, the bytes so far stay beside `path` in a hidden file, and the next call goes on from them.
    Of several processes that want the same `path` one fetches it and the others wait. The SHA-256 of what came
    is written beside it as `<name>.sha256`, in the form of `sha256sum`.

    Args:
        url: Where it lies, or what gives this before every attempt. It may hold secrets: it is never shown.
        path: Where it goes; missing folders are made.
        sha256: The SHA-256 that it must have, or the beginning of it, hexadecimal. Empty: any.
        place: What errors and the log call the place; by default the URL without what may be secret in it.
        unreachable_fix: What to do when the server cannot be reached.
        show: How progress is shown; by default with a bar or lines of its own.

    Returns:
        Whether it was fetched now.

    Raises:
        StorageError: The server is not there or refuses, the hash is another one, or the disk cannot be written.
    """
    place = place or (without_secrets(url) if isinstance(url, str) else path.name)
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with _one_at_a_time(path):
            if holds(path, sha256):
                return False
            partial, begin = Partial(path), time.monotonic()
            _fetch(url, partial, place, unreachable_fix, show)
            seconds = time.monotonic() - begin
            digest = _finish(partial, place, sha256)
    log.info("downloaded %s: %.1f MB in %.0f s, sha256 %s", place, path.stat().st_size / 1e6, seconds, digest)
    return True


def holds(path: Path, sha256: str = "") -> bool:
    """Whether the file is there and undamaged: it has `sha256`, or else the one that `download` wrote beside it."""
    with disk_errors(path):
        if not path.is_file():
            return False
        note = _digest_note(path)
        wanted = sha256.lower() or (note.read_text(encoding="utf-8")[:64] if note.exists() else "")
        return not wanted or sha256_of_file(path).startswith(wanted)


def _fetch(url: str | Callable[[], str], partial: Partial, place: str, unreachable_fix: str, show: Show) -> None:
    """Asks until the partial file is whole. A failure that still brought something new does not count."""
    most, failures = partial.size, 0
    while True:
        try:
            return request_rest(url if isinstance(url, str) else url(), partial, place, show)
        except Interrupted as interruption:
            failures = 1 if partial.size > most else failures + 1
            most = max(most, partial.size)
            if failures >= _FAILURES_IN_A_ROW:
                problem = f"The download does not succeed: {interruption}."
                raise StorageError(problem, where=place, fix=unreachable_fix) from None
            wait_s = min(max(_FIRST_WAIT_S * 2 ** (failures - 1), interruption.wait_s), _LONGEST_WAIT_S)
            log.warning("%s: %s; trying again in %.0f s", place, interruption, wait_s)
            time.sleep(wait_s)


def _finish(partial: Partial, place: str, sha256: str) -> str:
    """Gives the file its name if its hash is right, and notes the hash. Returns the whole SHA-256."""
    digest = sha256_of_file(partial.file)
    if not digest.startswith(sha256.lower()):
        partial.discard()
        raise StorageError(
            "The downloaded file is not the one that was expected.",
            where=place,
            details=(f"expected SHA-256   {sha256}", f"downloaded SHA-256 {digest}"),
            fix="Try again. If the file is meant to have changed, give its new SHA-256 (#sha256=…).",
        )
    note = _digest_note(partial.target)
    note.unlink(missing_ok=True)  # first: an old hash must never stand beside a new file
    partial.finish()
    write_text(note, f"{digest}  {partial.target.name}\n")
    return digest


def _digest_note(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


@contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    from filelock import FileLock, Timeout

    lock = FileLock(path.with_name(f".{path.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log.info("%s: another process fetches it; waiting", path.name)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()

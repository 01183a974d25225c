"""One http(s) request for a file or the rest of it, and what its answer means."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager
from typing import Any

from sparseinst.errors import StorageError
from sparseinst.progress import Advance, progress
from sparseinst.storage.partial import Partial
from sparseinst.storage.transfer import Show

_CHUNK_BYTES = 1 << 16  # as much is lost at most when a connection ends
_TIMEOUTS_S = (10, 30)  # to connect; between two pieces
_CHECK_ADDRESS = "Check the address."
_CHECK_LOGIN = "Check the address and the credentials."
_REFUSALS = {
    401: ("The server wants a login", _CHECK_LOGIN),
    403: ("The server refuses access", _CHECK_LOGIN),
    404: ("There is no such file on the server", _CHECK_ADDRESS),
    410: ("The file is gone from the server", _CHECK_ADDRESS),
}


class Interrupted(Exception):
    """The request failed in a way that may be over soon; what had come is in the partial file."""

    def __init__(self, reason: str, wait_s: float = 0.0) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


def show_alone(doing: str, total: int | None, done: int) -> AbstractContextManager[Advance]:
    """The display of a download that is the only one."""
    return progress("storage", doing, total, done=done, unit="bytes")


def request_rest(url: str, partial: Partial, place: str, show: Show = show_alone) -> None:
    """Appends what is missing to the partial file, or begins it anew where it is of another version.

    Args:
        place: What an error calls the place; the URL, which may hold secrets, is never shown.
        show: How progress is shown.

    Raises:
        Interrupted: Asking again may help.
        StorageError: It will not.
    """
    import requests

    doing = f"downloading {partial.target.name}"
    # Compressed, the lengths and ranges would not be those of the file.
    headers = {"Accept-Encoding": "identity", **partial.request_headers()}
    try:
        with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUTS_S) as response:
            if response.status_code == 416 and partial.is_whole(response.headers):
                return
            total = _prepare(response, partial, place)
            with (
                partial.file.open("ab") as file,
                show(doing, total, partial.size) as advance,
            ):
                for chunk in response.iter_content(_CHUNK_BYTES):
                    file.write(chunk)
                    advance(len(chunk))
    except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
        raise Interrupted(_reason(error)) from None  # its text and its traceback hold the URL
    except requests.RequestException as error:
        problem = f"The download fails: {_reason(error)}."
        raise StorageError(problem, where=place, fix=_CHECK_ADDRESS) from None
    if total is not None and partial.size != total:
        raise Interrupted(f"the connection ended after {partial.size} of {total} bytes")


def without_secrets(text: str) -> str:
    """Drops a URL's password, query and fragment."""
    return re.sub(r"(?<=://)[^/@\s]*@|[?#]\S*", "", text)


def _prepare(response: Any, partial: Partial, place: str) -> int | None:
    """Brings the partial file in line with the answer. Gives the whole file's size in bytes, None if not told."""
    status, headers = response.status_code, response.headers
    if status == 200:
        partial.begin(headers)
        length = headers.get("Content-Length", "")
        return int(length) if length.isdecimal() and "Content-Encoding" not in headers else None
    if status == 206:
        goes_on, total = partial.total_if_it_goes_on(headers)
        if goes_on:
            return total
    if status in (206, 416) and partial.size:
        partial.discard()
        raise Interrupted("the file has changed on the server")
    if status in (408, 429) or status >= 500:
        wait = headers.get("Retry-After", "")
        raise Interrupted(f"the server answers {status}", float(wait) if wait.isdecimal() else 0.0)
    problem, fix = _REFUSALS.get(status, ("The server does not give the file", _CHECK_ADDRESS))
    raise StorageError(f"{problem} (HTTP {status}).", where=place, fix=fix)


def _reason(error: Exception) -> str:
    """What lies at the bottom of an error of requests, without its URL."""
    cause: object = error
    while isinstance(cause, Exception) and cause.args:
        cause = getattr(cause, "reason", None) or cause.args[0]
    text = re.sub(r"^HTTPS?Connection(Pool)?\([^)]*\): ", "", without_secrets(str(cause)))
    return text.rstrip(".") or type(error).__name__

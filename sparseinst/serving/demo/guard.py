"""What a request must be before anything is done for it: from this machine's own page, and not too large.

The server listens on 127.0.0.1 only, but every web site that the user has open in the same browser can send requests
there. Such a site's requests carry its own Origin; and one that points its own name to 127.0.0.1 (DNS rebinding)
carries its own name as Host.
"""

from __future__ import annotations

from email.message import Message
from http import HTTPStatus
from urllib.parse import urlsplit

from sparseinst.serving.front_door.picture import MOST_BYTES

# Whatever the port: behind an SSH tunnel the browser knows another one.
_OWN_NAMES = ("127.0.0.1", "localhost")


class Refused(Exception):
    """A request that gets an error and nothing else."""

    def __init__(self, status: HTTPStatus, problem: str, fix: str) -> None:
        super().__init__(problem)
        self.status = status
        self.problem = problem
        self.fix = fix


def require_own_host(headers: Message) -> None:
    """Raises Refused unless the browser meant this machine."""
    try:
        name = urlsplit(f"//{headers.get('Host', '')}").hostname
    except ValueError:
        name = None
    if name not in _OWN_NAMES:
        raise Refused(
            HTTPStatus.MISDIRECTED_REQUEST,
            "The page is for this machine only.",
            f"Open it as http://{_OWN_NAMES[0]} with its port.",
        )


def require_same_origin(headers: Message) -> None:
    """Raises Refused unless the page itself sends the request. Browsers name the origin in every POST."""
    if headers.get("Origin", "") != f"http://{headers.get('Host', '')}":
        raise Refused(
            HTTPStatus.FORBIDDEN,
            "Only the page itself may send pictures.",
            "Programs ask the endpoint: `sparseinst predict IMAGE --model grpc://…`.",
        )


def body_bytes(headers: Message) -> int:
    """How many bytes follow. Raises Refused where that is not said, or too much."""
    said = headers.get("Content-Length", "")
    if "Transfer-Encoding" in headers or not (said.isascii() and said.isdigit()):
        raise Refused(HTTPStatus.LENGTH_REQUIRED, "The request does not say how long it is.", "Send Content-Length.")
    if len(said) > 12 or int(said) > MOST_BYTES:
        raise Refused(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"The picture has more than {MOST_BYTES >> 20} MB.",
            "Send a smaller one.",
        )
    return int(said)

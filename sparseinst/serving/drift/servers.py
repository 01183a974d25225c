"""The metrics endpoints behind an address: a headless Service's name has the address of every replica."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from sparseinst.errors import SparseInstError
from sparseinst.serving.replicas import Replicas


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One server's metrics.

    Attributes:
        url: With the IP address where the name was looked up: by it one server is told from another.
        host: What the request says in "Host"; empty for the url's own.
    """

    url: str
    host: str = ""


def endpoints(urls: Iterable[str]) -> Iterator[Endpoint]:
    """All servers of this moment. A name that cannot be looked up stays as it is: asking it says why.

    Of https:// the name is kept, since a certificate says it.
    """
    for url in urls:
        parts = urlsplit(url)
        if parts.scheme != "http":
            yield Endpoint(url)
            continue
        host = parts.hostname or ""
        try:
            found = Replicas(f"{f'[{host}]' if ':' in host else host}:{parts.port or 80}").resolve()
        except SparseInstError:
            yield Endpoint(url)
            continue
        for replica in found:
            yield Endpoint(parts._replace(netloc=replica.address).geturl(), parts.netloc)

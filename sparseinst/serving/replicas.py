"""The servers behind an address: several may serve the same models from one repository."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass, replace
from urllib.parse import urlsplit, urlunsplit

from sparseinst.errors import ConfigError, StackError
from sparseinst.serving.address import ServerAddress, parse_server
from sparseinst.serving.connection import Connection
from sparseinst.serving.refusals import NoServer
from sparseinst.serving.security import Security

_PROBE_S = 5.0
_ANY_MODEL = "any"  # one that ends still says its name; asked for a model, loaded or not, it says that it is not ready


class Unresolved(NoServer):
    """The name has no address, or nobody can be asked for it at the moment."""


@dataclass(frozen=True, slots=True)
class Replica:
    """One server.

    Attributes:
        address: host:port with the IP address: by it one replica is told from another.
        url: What `Connection` takes.
        server_name: What a certificate must say; empty where it is the url's host, or where there is no TLS.
    """

    address: str
    url: str
    server_name: str = ""

    def connect(self, timeout_s: float) -> Connection:
        """A connection to this one; with TLS the name that it was found by is what is verified.

        Raises:
            ConfigError: A file for TLS is missing or wrong.
        """
        security = None
        if self.server_name:
            given = Security.from_environment()
            security = replace(given, server_name=given.server_name or self.server_name)
        return Connection(self.url, timeout_s=timeout_s, security=security)

    def probe(self) -> None:
        """
        Raises:
            StackError: No server answers there within 5 seconds, or one that is ending.
        """
        with self.connect(_PROBE_S) as triton:
            triton.is_ready(_ANY_MODEL)

    def answers(self) -> bool:
        """Whether a server that is not ending answers there now."""
        try:
            self.probe()
        except StackError:
            return False
        return True

    def of_this_one(self, url: str) -> str:
        """An HTTP address whose host stands for several servers, this one among them, with this one's host."""
        parts = urlsplit(url)
        host = self.address.rpartition(":")[0]
        try:
            others = _look_up(parts.hostname or "", parts.port or 80)
        except OSError:
            return url
        if len(others) < 2 or host not in others:
            return url
        return urlunsplit(parts._replace(netloc=host if parts.port is None else f"{host}:{parts.port}"))


class Replicas:
    """All servers that an address names: host:port, whose name may have several addresses, or a list of such."""

    def __init__(self, url: str) -> None:
        """Nothing is looked up yet.

        Args:
            url: "host:port", with grpcs:// in front for TLS, or several of them with commas between.

        Raises:
            ConfigError: The address has another form.
        """
        self.url = url
        self._urls = [part.strip() for part in url.split(",")]
        self._servers = [parse_server(part) for part in self._urls]
        if len({server.is_tls for server in self._servers}) > 1:
            raise ConfigError(
                "Some of the servers are asked over TLS and some without.",
                where=url,
                fix="Write grpcs:// in front of each.",
            )

    @property
    def first_url(self) -> str:
        """The first of the list, as it was given."""
        return self._urls[0]

    @property
    def is_one(self) -> bool:
        """Whether there is one server and never another."""
        return self.is_fixed and len(self._urls) == 1

    @property
    def is_fixed(self) -> bool:
        """Whether the same servers are meant at all times: there is no name that others may come under."""
        return all(_is_fixed(server.host) for server in self._servers)

    def resolve(self) -> list[Replica]:
        """The servers of this moment, each once.

        One that stands alone is asked under the name that was given. Of a name with addresses of both kinds, those of
        IPv4 count: a server that has both would be two.

        Raises:
            Unresolved: A name has no address.
        """
        found: dict[str, Replica] = {}
        for url, server in zip(self._urls, self._servers, strict=True):
            try:
                hosts = _look_up(server.host, server.port)
            except OSError as error:
                raise Unresolved(
                    f"The name '{server.host}' cannot be resolved: {error.strerror}.",
                    where=self.url,
                    fix="Check the name, and that it is looked up from where it is known.",
                ) from error
            for host in hosts:
                address = f"{host}:{server.port}"
                found[address] = _pinned(address, server) if len(hosts) > 1 else Replica(address, url)
        return list(found.values())

    def first_that_answers(self) -> Replica:
        """The first of several that answers; the only one, whether it does or not.

        Raises:
            NoServer: None of several answers, or a name has no address.
        """
        found = self.resolve()
        for replica in found:
            if len(found) == 1 or replica.answers():
                return replica
        raise NoServer(
            f"None of the {len(found)} servers answers.",
            where=self.url,
            details=[replica.address for replica in found],
            fix="Check the address and the servers' logs.",
        )


def _pinned(address: str, server: ServerAddress) -> Replica:
    if server.is_tls:
        return Replica(address, f"grpcs://{address}", server.host)
    return Replica(address, address)


def _look_up(host: str, port: int) -> list[str]:
    """The IP addresses of a host, those of IPv6 in brackets."""
    entries = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    by_family = {
        family: sorted({str(entry[4][0]) for entry in entries if entry[0] == family})
        for family in (socket.AF_INET, socket.AF_INET6)
    }
    return by_family[socket.AF_INET] or [f"[{host}]" for host in by_family[socket.AF_INET6]]


def _is_fixed(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return host == "localhost"
    return True

"""How servers and served models are written: host:port, grpc://host:port/model, grpcs://… for TLS."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from sparseinst.errors import ConfigError

_SERVER = re.compile(r"((?P<scheme>grpcs?)://)?(?P<host>[^/\s:]+|\[[^/\s\]]+\]):(?P<port>\d+)/?")
_MODEL = re.compile(r"(?P<server>grpcs?://[^/\s]+)/(?P<model>[^/\s]+)(/(?P<version>\d+))?/?")


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """`port` is Triton's gRPC port."""

    host: str
    port: int
    is_tls: bool

    @property
    def target(self) -> str:
        """host:port"""
        return f"{self.host}:{self.port}"


def is_near(host: str) -> bool:
    """Whether a host is this machine or a private address: a proxy for the world outside has no way to it."""
    try:
        return not ipaddress.ip_address(host.strip("[]")).is_global
    except ValueError:
        return host == "localhost"


def parse_server(url: str) -> ServerAddress:
    """Reads host:port, grpc://host:port, or grpcs://host:port for TLS.

    Raises:
        ConfigError: The address has another form.
    """
    match = _SERVER.fullmatch(url)
    if match is None or not 0 < int(match["port"]) < 2**16:
        raise ConfigError(
            "The server's address has another form.",
            where=url,
            fix="Write host:port, or grpcs://host:port for TLS; the port is Triton's gRPC port.",
        )
    return ServerAddress(match["host"], int(match["port"]), match["scheme"] == "grpcs")


def parse_address(address: str) -> tuple[str, str, str]:
    """The server, model and version ("" for the one in service) in grpc://host:port/model[/version].

    Returns:
        The server as `parse_server` takes it: "host:port", with grpcs:// in front for TLS.

    Raises:
        ConfigError: The address has another form.
    """
    match = _MODEL.fullmatch(address)
    try:
        parse_server(match["server"] if match else "")
    except ConfigError:
        match = None
    if match is None:
        raise ConfigError(
            "The address of a served model has another form.",
            where=address,
            fix="Write grpc://host:port/model or grpc://host:port/model/version, with grpcs:// for TLS; the port is "
            "Triton's gRPC port.",
        )
    return match["server"].removeprefix("grpc://"), match["model"], match["version"] or ""

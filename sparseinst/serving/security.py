"""TLS: whom a client trusts, and by what a server knows it."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sparseinst.errors import ConfigError

ROOTS_VARIABLE = "SPARSEINST_TLS_CA"
CERTIFICATE_VARIABLE = "SPARSEINST_TLS_CERTIFICATE"
KEY_VARIABLE = "SPARSEINST_TLS_KEY"
SERVER_NAME_VARIABLE = "SPARSEINST_TLS_SERVER_NAME"


@dataclass(frozen=True, kw_only=True, slots=True)
class Security:
    """Files in PEM form. The defaults trust the roots that gRPC brings, and show no certificate.

    Attributes:
        root_certificates: Whose signatures are trusted.
        client_certificate: What this client shows, where the server asks for it (mutual TLS), with its chain.
        client_key: The private key of `client_certificate`, not encrypted.
        server_name: The name in the server's certificate, where it is reached by another one, e.g. through a tunnel.
    """

    root_certificates: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None
    server_name: str = ""

    @classmethod
    def from_environment(cls) -> Self:
        """SPARSEINST_TLS_CA, SPARSEINST_TLS_CERTIFICATE, SPARSEINST_TLS_KEY and SPARSEINST_TLS_SERVER_NAME."""
        roots, certificate, key = (
            Path(value) if (value := os.environ.get(variable)) else None
            for variable in (ROOTS_VARIABLE, CERTIFICATE_VARIABLE, KEY_VARIABLE)
        )
        return cls(
            root_certificates=roots,
            client_certificate=certificate,
            client_key=key,
            server_name=os.environ.get(SERVER_NAME_VARIABLE, ""),
        )

    def channel_options(self) -> dict[str, str | bool | None]:
        """What tritonclient wants to know to make a TLS channel.

        Raises:
            ConfigError: A file is missing or no PEM, or the key is not the certificate's.
        """
        if (self.client_certificate is None) != (self.client_key is None):
            raise ConfigError(
                "A client's certificate and its key go together.",
                where=str(self.client_certificate or self.client_key),
                fix=f"Give both ({CERTIFICATE_VARIABLE} and {KEY_VARIABLE}), or neither.",
            )
        # gRPC reports a bad file only in its own log, so OpenSSL reads them first.
        check = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if self.root_certificates is not None:
            with _Explained(self.root_certificates, "holds no root certificates in PEM form"):
                check.load_verify_locations(self.root_certificates)
        if self.client_certificate is not None and self.client_key is not None:
            with _Explained(self.client_certificate, f"and the key in {self.client_key} do not belong together"):
                check.load_cert_chain(self.client_certificate, self.client_key, password="")
        files = {
            "root_certificates": self.root_certificates,
            "certificate_chain": self.client_certificate,
            "private_key": self.client_key,
        }
        return {"ssl": True, **{name: None if path is None else str(path) for name, path in files.items()}}


class _Explained:
    """Turns OpenSSL's words about a file into an error that names it."""

    def __init__(self, path: Path, problem: str) -> None:
        self._path, self._problem = path, problem

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ssl.SSLError):  # an OSError, too
            raise ConfigError(
                f"The file {self._problem}.", where=str(self._path), fix="Give PEM files; the key not encrypted."
            ) from error
        if isinstance(error, OSError):
            raise ConfigError(
                f"A file for TLS cannot be read ({error.strerror}).", where=str(self._path), fix="Check the path."
            ) from error

"""Where Kubeflow Pipelines is: its address, how it is reached, and plain requests to it."""

from __future__ import annotations

import re
import ssl
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import urllib3
from requests.certs import where

from pipelines.submit.credentials import Credentials
from sparseinst.errors import ConfigError

# Without them a host that drops packets would be waited for without end.
CONNECT_S, READ_S = 10, 60
# A redirect is an answer that we want to see: it mostly leads to a login page.
ONE_TRY = urllib3.Retry(total=0, raise_on_redirect=False)


@dataclass(frozen=True, slots=True)
class Connection:
    """`namespace` is the user's, where Kubeflow has several; empty elsewhere."""

    host: str
    namespace: str = ""
    ca_cert: Path | None = None
    credentials: Credentials = field(default_factory=Credentials)

    @property
    def proxy(self) -> str | None:
        """The proxy that the environment names for this host (HTTPS_PROXY, NO_PROXY)."""
        parts = urllib.parse.urlsplit(self.host)
        if urllib.request.proxy_bypass(parts.hostname or ""):
            return None
        return urllib.request.getproxies().get(parts.scheme)

    @property
    def is_open_to_others(self) -> bool:
        """Whether credentials leave this machine, or a cluster's own network, without TLS."""
        parts = urllib.parse.urlsplit(self.host)
        name = parts.hostname or ""
        near = name == "localhost" or name.startswith("127.") or "." not in name or ".svc" in name
        return parts.scheme == "http" and not near and self.credentials != Credentials()

    def page(self, run_id: str) -> str:
        """The run's page."""
        return f"{self.host}/#/runs/details/{run_id}"

    def get(self, path: str, **query: str) -> urllib3.BaseHTTPResponse:
        """Asks for a path below the host, once, and follows no redirect.

        Raises:
            urllib3.exceptions.HTTPError: Nobody answers.
        """
        url = f"{self.host}{path}?{urllib.parse.urlencode(query)}" if query else f"{self.host}{path}"
        certificates = str(self.ca_cert) if self.ca_cert else where()
        pool = (
            urllib3.ProxyManager(self.proxy, ca_certs=certificates)
            if self.proxy
            else urllib3.PoolManager(ca_certs=certificates)
        )
        timeout = urllib3.Timeout(connect=CONNECT_S, read=READ_S)
        with pool:
            return pool.request("GET", url, headers=self.credentials.headers(), retries=ONE_TRY, timeout=timeout)


def make_connection(host: str, namespace: str, ca_cert: Path | None, credentials: Credentials) -> Connection:
    """Reads an address as people have it: without https://, or copied from the browser.

    Raises:
        ConfigError: It is no address, or the file of certificates is none.
    """
    host = host.strip()
    if "://" not in host:
        host = f"https://{host}"
    parts = urllib.parse.urlsplit(host)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(
            f"'{host}' is no address of Kubeflow.",
            where="--host",
            fix="E.g. KFP_HOST=https://kubeflow.example.com/pipeline",
        )
    if parts.username or parts.password:
        raise ConfigError(
            "There are credentials in the address.", where="--host", fix="Put a token into KFP_TOKEN or KFP_TOKEN_FILE."
        )
    # Kubeflow's dashboard shows /pipeline/ as /_/pipeline/.
    path = re.sub(r"^/_/", "/", parts.path).rstrip("/")
    if ca_cert is not None:
        _check(ca_cert)
    return Connection(f"{parts.scheme}://{parts.netloc}{path}", namespace, ca_cert, credentials)


def _check(ca_cert: Path) -> None:
    try:
        ssl.create_default_context(cafile=str(ca_cert))
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"It holds no certificates ({error}).", where=f"--ca-cert {ca_cert}", fix="Give a PEM file."
        ) from error

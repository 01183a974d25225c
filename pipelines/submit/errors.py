"""What went wrong between us and Kubeflow, told as problem, place and fix.

ClusterError      12   Kubeflow cannot be reached, or refuses
  KubeflowAway    12   it does not answer now; the same question may be answered later
  StillRunning   124   we stopped waiting; the run goes on
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from urllib3 import exceptions as http

from pipelines.submit.connection import Connection
from sparseinst.errors import ClusterError

_NOT_NOW = (429, 500, 502, 503, 504)
_LONGEST = 400


class KubeflowAway(ClusterError):
    """`after_s` is how long the server asks us to wait, 0 where it does not say."""

    after_s = 0.0


class StillRunning(ClusterError):
    exit_code = 124


def unreachable(error: http.HTTPError, connection: Connection, doing: str) -> ClusterError:
    """Nobody answered, or not in a way that can be trusted."""
    reason = getattr(error, "reason", None) or error
    place = f"{connection.host}, to {doing}"
    if isinstance(reason, http.SSLError):
        return _no_trust(reason, connection, place)
    if isinstance(reason, http.NameResolutionError):
        return KubeflowAway(
            f"There is no host of this name: {_host(connection)}.",
            where=place,
            fix="Check KFP_HOST, and whether you need a VPN.",
        )
    if isinstance(reason, http.NewConnectionError) and "refused" in str(reason):
        return KubeflowAway(
            "The connection was refused: nothing listens there.",
            where=place,
            fix="Check the port in KFP_HOST. With a port forward: does 'kubectl port-forward' still run?",
        )
    if isinstance(reason, http.ConnectTimeoutError):  # and its kinds: no route, no network
        return KubeflowAway(
            "Nothing answers there.", where=place, fix="Check KFP_HOST, and whether a firewall or a VPN is in the way."
        )
    return KubeflowAway(f"The connection broke: {_short(str(reason))}", where=place, fix="Try again.")


def _no_trust(reason: http.HTTPError, connection: Connection, place: str) -> ClusterError:
    said = str(reason)
    if "WRONG_VERSION_NUMBER" in said or "record layer" in said:
        return ClusterError("The server does not speak TLS.", where=place, fix="Write http:// in KFP_HOST.")
    if "Hostname mismatch" in said or "doesn't match" in said:
        fix = "Use the name that the certificate is for."
    elif connection.ca_cert:
        fix = f"{connection.ca_cert} does not hold the certificate of the authority that signed the server's."
    else:
        fix = "If your company signs its own: CA_CERT=file.pem (--ca-cert), the authority's certificate."
    return ClusterError(f"The server's certificate is not trusted: {_short(said)}", where=place, fix=fix)


def refused(status: int, body: str, headers: Mapping[str, str], connection: Connection, doing: str) -> ClusterError:
    """An answer that is none of those that the API gives when it does what it is asked."""
    place = f"{connection.host}, to {doing}"
    said = _said(body)
    if status in _NOT_NOW:
        away = KubeflowAway(
            f"Kubeflow cannot do it now (HTTP {status}): {said or 'no word why'}",
            where=place,
            fix="Try again; if it stays so, look at the pod ml-pipeline in the namespace kubeflow.",
        )
        away.after_s = _retry_after(headers)
        return away
    if 300 <= status < 400 and _same_but_safe(headers.get("Location", ""), connection):
        return ClusterError("The server wants TLS.", where=place, fix="Write https:// in KFP_HOST.")
    if status == 401 or 300 <= status < 400 or (status == 200 and _is_page(body)):
        return _not_logged_in(status, connection, place)
    if status == 403:
        return _forbidden(said, connection, place)
    if status == 404 and not _is_from_the_api(body):
        return _no_api(connection, place)
    if status == 404:
        return ClusterError(
            f"Kubeflow does not have it: {said}", where=place, fix="Check the name or id, and NAMESPACE."
        )
    return ClusterError(f"Kubeflow refused it (HTTP {status}): {said}", where=place)


def no_api(connection: Connection, doing: str, hint: str = "") -> ClusterError:
    """There is something else than Kubeflow Pipelines."""
    return _no_api(connection, f"{connection.host}, to {doing}", hint)


def _not_logged_in(status: int, connection: Connection, place: str) -> ClusterError:
    origin = connection.credentials.origin
    if origin == "no credentials":
        problem = "Kubeflow wants to know who you are."
    else:
        problem = f"Kubeflow does not accept who you say you are (from {origin}): expired, or for another Kubeflow."
    if status != 401:
        problem += " It answered with a login page."
    return ClusterError(
        problem,
        where=place,
        fix="Put a new token into KFP_TOKEN or the file of KFP_TOKEN_FILE, or a session's cookie into KFP_COOKIES.",
    )


def _forbidden(said: str, connection: Connection, place: str) -> ClusterError:
    if connection.namespace:
        return ClusterError(
            f"You may not do that in the namespace '{connection.namespace}', or there is none of this name: {said}",
            where=place,
            fix="Check NAMESPACE: your profile's name is at the top of Kubeflow's dashboard. "
            "Others can add you under Manage Contributors.",
        )
    return ClusterError(
        f"You may not do that: {said}", where=place, fix="Perhaps a namespace is missing: NAMESPACE=yours"
    )


def _no_api(connection: Connection, place: str, hint: str = "") -> ClusterError:
    return ClusterError(
        "Something answers there, but it is not the API of Kubeflow Pipelines 2.",
        where=place,
        fix=hint or "Check KFP_HOST: with the whole of Kubeflow it ends with /pipeline. Older than 2.15: upgrade it.",
    )


def _said(body: str) -> str:
    """The message in an error's body, whichever of Kubeflow's three forms it has."""
    try:
        found = json.loads(body)
    except ValueError:
        return "" if _is_page(body) else _short(body)
    if not isinstance(found, dict):
        return _short(body)
    return _short(str(found.get("message") or found.get("error_message") or found.get("error") or body))


def _is_from_the_api(body: str) -> bool:
    try:
        found: Any = json.loads(body)
    except ValueError:
        return False
    return isinstance(found, dict) and bool({"message", "error_message", "error"} & set(found))


def _is_page(body: str) -> bool:
    return body.lstrip()[:15].lower().startswith(("<!doctype", "<html"))


def _same_but_safe(location: str, connection: Connection) -> bool:
    return connection.host.startswith("http://") and location.startswith(f"https://{_host(connection).split(':')[0]}")


def _retry_after(headers: Mapping[str, str]) -> float:
    said = headers.get("Retry-After", "")
    return float(said) if re.fullmatch(r"\d+", said) else 0.0


def _host(connection: Connection) -> str:
    return connection.host.split("://", 1)[1].split("/", 1)[0]


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"

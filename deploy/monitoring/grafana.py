"""Loads a dashboard into a Grafana that runs.

Source:
    Grafana's HTTP API, grafana.com/docs/grafana/latest/developers/http_api/dashboard: POST /api/dashboards/db.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests

from sparseinst.errors import ConfigError, SparseInstError, StackError

_TIMEOUT_S = 30
_TOKEN_FIX = "Make a token under Administration / Service accounts, with the role Editor, and give it as GRAFANA_TOKEN."


def upload(dashboard: Mapping[str, Any], url: str, token: str, folder: str = "", message: str = "") -> str:
    """Puts the dashboard in the place of the one with its uid, which Grafana keeps among its versions.

    Args:
        dashboard: Grafana's JSON.
        url: Where Grafana is, with its path where it has one.
        token: Of a service account.
        folder: The uid of a folder; empty for the top.
        message: What Grafana's list of versions says about this one.

    Returns:
        The address at which people open it.

    Raises:
        ConfigError: The address or the token is wrong.
        StackError: Grafana does not answer, or refuses the dashboard.
    """
    base = _checked(url, token)
    body = {"dashboard": {**dashboard, "id": None}, "overwrite": True, "folderUid": folder, "message": message}
    try:
        answer = requests.post(
            f"{base}/api/dashboards/db",
            json=body,
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
            timeout=_TIMEOUT_S,
            allow_redirects=False,  # a page that asks for a password would look like success
        )
    except requests.RequestException as error:
        raise StackError(
            "Grafana does not answer.",
            where=base,
            details=[str(error)],
            fix="Check the address; from outside a cluster `kubectl port-forward` makes a way to it.",
        ) from error
    told = _told(answer)
    if answer.status_code != requests.codes.ok or "url" not in told:
        raise _refused(answer, told, base, folder)
    server = urlsplit(base)
    return f"{server.scheme}://{server.netloc}{told['url']}"


def _checked(url: str, token: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or "@" in parts.netloc:
        raise ConfigError(
            "The address of Grafana has another form.",
            where="GRAFANA_URL",  # what stands in it may be a password
            fix="Write http://host:port or https://host/path, as in the browser, without /d/… or /api/….",
        )
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        problem = "There is no token for Grafana." if not token else "The token for Grafana is none: it has odd signs."
        raise ConfigError(problem, where="GRAFANA_TOKEN", fix=_TOKEN_FIX)
    return url.rstrip("/")


def _told(answer: requests.Response) -> dict[str, Any]:
    try:
        told = answer.json()
    except requests.JSONDecodeError:
        return {}
    return told if isinstance(told, dict) else {}


def _refused(answer: requests.Response, told: Mapping[str, Any], base: str, folder: str) -> SparseInstError:
    said = str(told.get("message", ""))
    details = [f"it answers {answer.status_code} {answer.reason}" + (f": {said}" if said else "")]
    match answer.status_code:
        case requests.codes.unauthorized:
            return ConfigError("Grafana does not know the token.", where=base, details=details, fix=_TOKEN_FIX)
        case requests.codes.forbidden:
            fix = "Give the token's service account the role Editor, or the right to write into the folder."
            return ConfigError("The token may not write dashboards.", where=base, details=details, fix=fix)
        case requests.codes.precondition_failed:
            fix = "Delete or rename the dashboard that stands in its way, or ask who provisions it from files."
            return StackError("Another dashboard stands in its way.", where=base, details=details, fix=fix)
        case _ if folder and "folder" in said.lower():
            fix = "Give the uid of a folder, the end of its address after /dashboards/f/, as GRAFANA_FOLDER."
            return ConfigError(f"Grafana has no folder '{folder}'.", where=base, details=details, fix=fix)
        case status if status == requests.codes.not_found or not said:
            if answer.is_redirect:
                details.append(f"it sends us to {answer.headers.get('Location', 'nowhere')}")
            fix = "Give the address under which Grafana's own pages are, past any page that asks for a password."
            return StackError("What answers there is not Grafana.", where=base, details=details, fix=fix)
    return StackError("Grafana refuses the dashboard.", where=base, details=details, fix="See what it answers.")

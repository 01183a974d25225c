"""Who we are to Kubeflow: a token, or a session's cookie. Never from the command line, where others can read it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sparseinst.errors import ConfigError

TOKEN, TOKEN_FILE = "KFP_TOKEN", "KFP_TOKEN_FILE"
COOKIES, COOKIES_FILE = "KFP_COOKIES", "KFP_COOKIES_FILE"
# Where Kubernetes puts a token for Kubeflow into a pod that asks for one, and the variable that names another place:
# kfp/client/set_volume_credentials.py.
_IN_A_POD = "KF_PIPELINES_SA_TOKEN_PATH"
_DEFAULT_IN_A_POD = Path("/var/run/secrets/kubeflow/pipelines/token")


@dataclass(frozen=True, slots=True)
class Secret:
    """A text that is never shown. A file is read again at each use: Kubernetes replaces tokens every hour."""

    origin: str
    text: str = field(default="", repr=False)
    file: Path | None = None

    def read(self) -> str:
        """The secret.

        Raises:
            ConfigError: The file is gone.
        """
        if self.file is None:
            return self.text
        try:
            return self.file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"The file cannot be read ({type(error).__name__}).",
                where=self.origin,
                fix="Name a file that you can read.",
            ) from error


@dataclass(frozen=True, slots=True)
class Credentials:
    """What is sent with every request, and where it is from."""

    token: Secret | None = None
    cookies: Secret | None = None

    @property
    def origin(self) -> str:
        """Where they are from, for an error's text."""
        return " and ".join(secret.origin for secret in (self.token, self.cookies) if secret) or "no credentials"

    def headers(self) -> dict[str, str]:
        """HTTP headers."""
        found = {}
        if self.token:
            found["Authorization"] = f"Bearer {self.token.read()}"
        if self.cookies:
            found["Cookie"] = self.cookies.read()
        return found

    def refresh_api_key_hook(self, configuration: Any) -> None:
        """What kfp's client calls before each request."""
        if self.token:
            configuration.api_key["authorization"] = self.token.read()


def find_credentials(environment: Mapping[str, str] = os.environ) -> Credentials:
    """Those of the environment: KFP_TOKEN or KFP_TOKEN_FILE, KFP_COOKIES or KFP_COOKIES_FILE, or a pod's own token.

    Raises:
        ConfigError: A file that is named cannot be read.
    """
    token = _secret(TOKEN, TOKEN_FILE, environment) or _projected(environment)
    return Credentials(token, _secret(COOKIES, COOKIES_FILE, environment))


def _secret(name: str, file_name: str, environment: Mapping[str, str]) -> Secret | None:
    if text := environment.get(name, "").strip():
        return Secret(name, text)
    if path := environment.get(file_name):
        secret = Secret(f"{file_name} {path}", file=Path(path))
        secret.read()
        return secret
    return None


def _projected(environment: Mapping[str, str]) -> Secret | None:
    path = Path(environment.get(_IN_A_POD) or _DEFAULT_IN_A_POD)
    return Secret(f"the pod's token {path}", file=path) if path.is_file() else None

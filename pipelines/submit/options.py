"""What was said on the command line of `python -m pipelines.submit`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipelines.platform.preset import preset_names
from pipelines.submit.connection import Connection, make_connection
from pipelines.submit.credentials import find_credentials
from pipelines.submit.request import Wishes
from sparseinst.errors import ConfigError
from sparseinst.log import get_logger

log = get_logger("kubeflow")


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """One field for each option that is not a parameter of the pipeline; those are in `wishes`."""

    wishes: Wishes
    host: str = ""
    namespace: str = ""
    ca_cert: Path | None = None
    preset: str = ""
    image: str = ""
    training_image: str = ""
    experiment: str = "sparseinst"
    service_account: str = ""
    name: str = ""
    caching: bool = True
    wait: bool = True
    timeout_minutes: float = 0.0
    poll_s: float = 10.0
    terminate_on_interrupt: bool = False
    dry_run: bool = False
    prices: Path | None = None
    as_json: bool = False
    follow: str = ""
    terminate: str = ""
    schedule: str = ""
    schedules: bool = False
    unschedule: str = ""
    pause: str = ""
    resume: str = ""

    def connection(self) -> Connection:
        """Where to go, and as whom.

        Raises:
            ConfigError: No host, or one that cannot be meant.
        """
        if not self.host:
            raise ConfigError(
                "It was not said where Kubeflow is.",
                where="--host",
                fix="KFP_HOST=https://kubeflow.example.com/pipeline; or DRY_RUN=1, which needs none",
            )
        return make_connection(self.host, self.namespace, self.ca_cert, find_credentials())

    def connection_to_send(self) -> Connection:
        """The same, with a word of warning where what we send can be read on the way."""
        connection = self.connection()
        if connection.is_open_to_others:
            log.warning("%s goes to %s without TLS", connection.credentials.origin, connection.host)
        return connection

    def preset_name(self) -> str:
        """The preset.

        Raises:
            ConfigError: None was said: a cluster has no default.
        """
        if not self.preset:
            raise ConfigError(
                "It was not said what the steps get on the cluster.",
                where="--preset",
                fix=f"PRESET= one of {', '.join(preset_names())}, or a file of that form",
            )
        return self.preset

"""Kubeflow Pipelines by its own SDK: checked before it is used, quiet, and with errors for people."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from functools import partial
from typing import Any, TypeVar

import kfp
import kfp_server_api
from urllib3.exceptions import HTTPError

from pipelines.submit.connection import CONNECT_S, ONE_TRY, READ_S, Connection
from pipelines.submit.errors import no_api, refused, unreachable
from sparseinst.errors import ClusterError

T = TypeVar("T")

_HEALTH = "/apis/v2beta1/healthz"
_PAGE_SIZE = 100


class Kubeflow:
    """A Kubeflow that answered. `sdk` is kfp's client; `ask` calls it."""

    def __init__(self, connection: Connection, multi_user: bool) -> None:
        self.connection = connection
        self.multi_user = multi_user
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # that it does not work with Kubeflow 1
            self.sdk = _Client(connection)

    @property
    def namespace(self) -> str | None:
        """What requests name: Kubeflow for one user wants none."""
        return self.connection.namespace if self.multi_user else None

    def ask(self, doing: str, call: Callable[[Any], T]) -> T:
        """What `call` gives when it is called with the SDK's client.

        Raises:
            KubeflowAway: Nobody answered, or not now.
            ClusterError: It was refused.
        """
        try:
            with redirect_stdout(io.StringIO()):  # it prints links, to where it believes the pages to be
                answer = call(self.sdk)
        except kfp_server_api.ApiException as error:
            raise refused(error.status, error.body or "", error.headers or {}, self.connection, doing) from error
        except HTTPError as error:
            raise unreachable(error, self.connection, doing) from error
        last = self.sdk.last_response()
        if "json" not in (last.getheader("content-type") or ""):
            # The SDK makes an empty object of a login page, and says nothing.
            raise refused(last.status, str(last.data), last.getheaders(), self.connection, doing)
        return answer

    def every(self, doing: str, kind: str, page: Callable[..., Any]) -> Iterator[Any]:
        """All of a list, page by page. `page` gets the client, and page_token and page_size by name."""
        token = ""
        while True:
            found = self.ask(doing, partial(page, page_token=token, page_size=_PAGE_SIZE))
            yield from getattr(found, kind) or ()
            token = found.next_page_token or ""
            if not token:
                return


def by_name(operation: str, text: str) -> str:
    """A filter of lists. "EQUALS" and "IS_SUBSTRING" do not see the case of letters."""
    return json.dumps({"predicates": [{"operation": operation, "key": "display_name", "stringValue": text}]})


def open_kubeflow(connection: Connection) -> Kubeflow:
    """Asks whether Kubeflow Pipelines is there and lets us in, and gives its client.

    Raises:
        ClusterError: It is not, or it does not; or it has several users and we name no namespace.
    """
    kubeflow = Kubeflow(connection, bool(_health(connection)["multi_user"]))
    if kubeflow.multi_user and not connection.namespace:
        raise ClusterError(
            "This Kubeflow has several users, and it was not said whose namespace to use.",
            where=connection.host,
            fix="NAMESPACE=yours (--namespace): your profile's name, at the top of Kubeflow's dashboard.",
        )
    return kubeflow


def _health(connection: Connection) -> dict[str, Any]:
    doing = "ask whether it is Kubeflow Pipelines"
    try:
        answer = connection.get(_HEALTH)
    except HTTPError as error:
        raise unreachable(error, connection, doing) from error
    body = answer.data.decode("utf-8", "replace")
    found = _json(body)
    if found.get("apiServerReady") is False:  # the UI's server says it of the API server
        raise refused(503, "the API server does not answer the UI's server", {}, connection, doing)
    if answer.status == 200 and "multi_user" in found:
        return found
    if answer.status in (200, 404) and (hint := _one_floor_up(connection)):
        raise no_api(connection, doing, hint)
    if answer.status == 200 and found:
        raise no_api(connection, doing)
    raise refused(answer.status, body, answer.headers, connection, doing)


def _one_floor_up(connection: Connection) -> str:
    """In the whole of Kubeflow, Pipelines are below /pipeline."""
    try:
        answer = connection.get(f"/pipeline{_HEALTH}")
    except HTTPError:
        return ""
    return (
        f"It is at KFP_HOST={connection.host}/pipeline"
        if "multi_user" in _json(answer.data.decode("utf-8", "replace"))
        else ""
    )


def _json(body: str) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


class _Client(kfp.Client):
    """kfp's client without what it does by itself: no settings from the home, no tries in silence, no endless waits."""

    def __init__(self, connection: Connection) -> None:
        self._credentials = connection.credentials
        super().__init__(
            host=connection.host,
            # Replaced by the hook below, before each request. Without it, variables of Google's login would come first.
            existing_token="…" if connection.credentials.token else None,
            cookies=connection.credentials.cookies.read() if connection.credentials.cookies else "",
            proxy=connection.proxy,
            ssl_ca_cert=str(connection.ca_cert) if connection.ca_cert else None,
        )
        self._context_setting["namespace"] = None
        self._give_up_in_time()

    def last_response(self) -> Any:
        return self._run_api.api_client.last_response

    def _load_config(self, *arguments: Any, **named: Any) -> Any:
        configuration = super()._load_config(*arguments, **named)
        configuration.retries = ONE_TRY
        configuration.refresh_api_key_hook = self._credentials.refresh_api_key_hook
        return configuration

    def _load_context_setting_or_default(self) -> None:
        # Not ~/.config/kfp/context.json. A namespace that is not empty also keeps it from asking for the health again.
        self._context_setting = dict[str, str | None](namespace="…")

    def _give_up_in_time(self) -> None:
        """The generated client has no setting for the time of all its requests."""
        rest = self._run_api.api_client.rest_client
        request = rest.request

        def in_time(*arguments: Any, **named: Any) -> Any:
            named["_request_timeout"] = named.get("_request_timeout") or (CONNECT_S, READ_S)
            return request(*arguments, **named)

        rest.request = in_time

"""The front door's counters, read from Triton's metrics endpoint."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Collection, Mapping, Sequence
from http.client import HTTPException
from urllib.parse import urlsplit

from sparseinst.errors import ConfigError, StackError
from sparseinst.serving.address import is_near
from sparseinst.serving.drift.exposition import Series, parse

COUNTERS = (
    "sparseinst_requests_total",
    "sparseinst_scores_total",
    "sparseinst_classes_total",
    "sparseinst_areas_total",
)

_TIMEOUT_S = 10.0
_LARGEST_BYTES = 64 << 20


def check_url(url: str) -> None:
    """Raises ConfigError where it is no address of a metrics endpoint."""
    try:
        parts = urlsplit(url)
        is_fine = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 80) > 0
    except ValueError:
        is_fine = False
    if not is_fine:
        raise ConfigError(
            "The address of the metrics has another form.",
            where=f"--metrics-url {url}",
            fix="Write http://host:port/metrics; Triton's metrics port is 8002 if nobody chose another.",
        )


def scrape(url: str, names: Collection[str] = COUNTERS, *, host: str = "") -> Mapping[Series, float]:
    """The front door's counters of these names as they stand; none where there is no front door.

    Args:
        host: What the request says in "Host", where that is not the url's.

    Raises:
        StackError: Nothing answers there, or what answers is not Triton.
    """
    handlers = [urllib.request.ProxyHandler({})] if is_near(urlsplit(url).hostname or "") else []
    try:
        request = urllib.request.Request(url, headers={"Host": host} if host else {})
        with urllib.request.build_opener(*handlers).open(request, timeout=_TIMEOUT_S) as answer:
            text = answer.read(_LARGEST_BYTES).decode("utf-8", errors="replace")
    except urllib.error.HTTPError as error:
        error.close()
        raise _unreachable(url, f"it answers {error.code} {error.reason}") from error
    except (OSError, HTTPException, ValueError) as error:
        raise _unreachable(url, str(getattr(error, "reason", error))) from error
    samples = list(parse(text))
    if not any(series.name.startswith("nv_") for series, _ in samples):
        raise StackError(
            "What answers there is not Triton's metrics.",
            where=url,
            fix="Give Triton's metrics port: 8002 if nobody chose another.",
        )
    return {series: value for series, value in samples if series.name in names}


def no_front_door(name: str, urls: Sequence[str]) -> StackError:
    """What to say where no server counts the model `name`."""
    return StackError(
        f"Triton counts nothing of '{name}': it has no front door there.",
        where=", ".join(urls),
        fix="Load the model's front door: only what goes through it is counted; see docs/front_door.md.",
    )


def _unreachable(url: str, why: str) -> StackError:
    return StackError(
        "The metrics cannot be read.",
        where=url,
        details=[why],
        fix="Check that Triton runs there, with --allow-metrics=true and --metrics-address so that it can be reached "
        "from here.",
    )

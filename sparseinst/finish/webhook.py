"""One message to whoever wants to know: JSON to the address in SPARSEINST_WEBHOOK, which Slack and its like take.

The address is a secret, as whoever knows it can write there. Nothing here ever says it or a part of it.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sparseinst.finish.numbers import aps, gate, places, served
from sparseinst.finish.story import RunStory
from sparseinst.finish.summary import headline
from sparseinst.log import get_logger

WEBHOOK = "SPARSEINST_WEBHOOK"

log = get_logger("finish")

_MAY_PASS = frozenset({408, 425, 429})  # and everything from 500 on


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How long a webhook is given: seconds of one try, how many tries, and the first pause, which doubles."""

    timeout_s: float = 5.0
    tries: int = 4
    pause_s: float = 1.0


def message(story: RunStory, page: str = "") -> dict[str, Any]:
    """What is sent: `text` for people, and the same for programs."""
    step = story.failed_step
    return {
        "text": _text(story, page),
        "run_id": story.run_id,
        "state": str(story.state),
        "seconds": story.seconds,
        "failed_step": step.name if step else None,
        "exit_code": step.exit_code if step else None,
        "error": {name: str(story.error[name]) for name in ("problem", "where", "fix") if story.error.get(name)},
        "metrics": aps(story),
        "gate": gate(story),
        "served": served(story),
        "steps": [
            {"step": each.name, "state": str(each.state), "seconds": each.seconds, "attempts": each.attempts}
            for each in story.steps
        ],
        "page": page,
        "places": places(story),
    }


def notify(url: str, content: Mapping[str, Any], patience: Patience | None = None) -> bool:
    """Posts the content as JSON; whether it was taken. A webhook that fails is a warning and nothing else."""
    patience = patience or Patience()
    if not url.startswith(("http://", "https://")):
        log.warning("the webhook is not called: %s is no http(s) address", WEBHOOK)
        return False
    body = json.dumps(content, default=str).encode()
    pause = patience.pause_s
    for left in reversed(range(patience.tries)):
        problem, may_pass = _post(url, body, patience.timeout_s)
        if not problem:
            log.info("the webhook has taken the message")
            return True
        if not may_pass or not left:
            break
        log.info("the webhook: %s; trying again in %.0f s", problem, pause)
        time.sleep(pause)
        pause *= 2
    log.warning("the webhook has not taken the message: %s. The run is not changed by that.", problem)
    return False


def _post(url: str, body: bytes, timeout_s: float) -> tuple[str, bool]:
    """What is wrong, in words without the address, and whether it may be over soon; no words: nothing is."""
    try:
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method="POST")
        with urllib.request.build_opener(_NoRedirects).open(request, timeout=timeout_s):
            return "", False
    except urllib.error.HTTPError as error:
        error.close()
        return f"it answers {error.code}", error.code >= 500 or error.code in _MAY_PASS
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None)
        cause = reason if isinstance(reason, BaseException) else error
        return _words(cause, timeout_s), not isinstance(cause, ssl.SSLError | ValueError | http.client.InvalidURL)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A message goes where it was sent to or nowhere: elsewhere it would arrive without its body."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _words(error: BaseException, timeout_s: float) -> str:
    """An exception's own text may have the address in it."""
    if isinstance(error, TimeoutError):
        return f"it does not answer within {timeout_s:g} s"
    if isinstance(error, ssl.SSLError):
        return "its certificate is not trusted"
    if isinstance(error, socket.gaierror):
        return "its host is not known"
    if isinstance(error, ConnectionError):
        return "it refuses the connection, or breaks it"
    return f"it cannot be called ({type(error).__name__})"


def _text(story: RunStory, page: str) -> str:
    parts = [f"Run {story.run_id} {headline(story)}."]
    parts += [str(story.error[name]) for name in ("problem", "fix") if story.error.get(name)]
    parts += [f"{name} {value:.3f}." for name, value in aps(story).items() if value is not None]
    if decided := gate(story):
        parts.append(f"Gate: {decided['decision']}.")
    if found := served(story):
        parts.append(f"Serves: {found.get('name')} version {found.get('version')}.")
    text = " ".join([*parts, *([page] if page else [])])
    # Slack's own markup begins with these: no message may call a whole channel, or hide a link.
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

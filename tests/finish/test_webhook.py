"""The message to a real HTTP server that answers well, badly, late, or never."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from sparseinst.errors import TrainingError
from sparseinst.finish.close import close_run
from sparseinst.finish.story import tell
from sparseinst.finish.webhook import WEBHOOK, Patience, message, notify
from sparseinst.workspace.journal import read_journals
from tests.finish.test_story import ALL
from tests.finish.test_summary import EVIL

SECRET = "T0p/S3cret-token"
QUICK = Patience(timeout_s=20.0, tries=3, pause_s=0.01)  # a busy machine answers late, and late is not never
IMPATIENT = replace(QUICK, timeout_s=0.3)  # with a server that never answers


class Receiver:
    """Answers with `codes` in turn; 0 means never. `got` is what came: the path and the JSON of each request."""

    def __init__(self) -> None:
        self.codes: list[int] = []
        self.got: list[tuple[str, Any]] = []
        self._end = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append((self.path, json.loads(body)))
                code = receiver.codes.pop(0) if receiver.codes else 200
                if code == 0:
                    receiver._end.wait()
                    return
                self.send_response(code)
                if code == 302:
                    self.send_header("Location", f"{receiver.url}/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_GET(self) -> None:
                receiver.got.append((f"GET {self.path}", None))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/{SECRET}"

    def close(self) -> None:
        self._end.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    """All that was logged."""
    caplog.set_level(logging.DEBUG)
    return lambda: "\n".join(record.getMessage() for record in caplog.records)


def test_what_is_sent_is_text_for_people_and_fields_for_programs(receiver: Receiver, steps: Callable[..., str]) -> None:
    story = tell("run-1", read_journals(steps(*ALL)), "COMPLETE")
    assert notify(receiver.url, message(story, "https://kubeflow.example/run-1"), QUICK)
    ((path, got),) = receiver.got
    assert path == f"/{SECRET}"
    assert got["text"].startswith("Run run-1 succeeded after ")
    assert "AP 0.512." in got["text"] and "version 4" in got["text"]
    assert got["text"].endswith("https://kubeflow.example/run-1")
    assert (got["state"], got["failed_step"], got["error"]) == ("succeeded", None, {})
    assert got["metrics"] == {"AP": 0.512, "AP50": None}
    assert got["served"] == {"name": "sparseinst", "version": 4, "url": "triton:8001"}
    assert got["places"]["evaluate: report"] == "s3://scratch/run-1/evaluate/report.html"
    assert [step["step"] for step in got["steps"]] == list(ALL)


def test_a_failure_is_told_with_its_step_its_problem_and_its_fix(receiver: Receiver, steps: Callable[..., str]) -> None:
    error = TrainingError("The loss is not finite.", where="iteration 12", fix="Lower train.lr.")
    story = tell("run-1", read_journals(steps("ingest", "train", train=error)), "FAILED")
    notify(receiver.url, message(story), QUICK)
    ((_, got),) = receiver.got
    assert (got["state"], got["failed_step"], got["exit_code"]) == ("failed", "train", 4)
    assert got["error"] == {"problem": "The loss is not finite.", "where": "iteration 12", "fix": "Lower train.lr."}
    assert "The loss is not finite. Lower train.lr." in got["text"]


def test_no_text_of_others_becomes_slacks_markup(steps: Callable[..., str]) -> None:
    error = TrainingError("<!channel> <https://e.example|click> & more", fix=EVIL)
    text = message(tell("run-1", read_journals(steps("train", train=error)), "FAILED"))["text"]
    assert "<" not in text and ">" not in text
    assert "&lt;!channel&gt;" in text and "&amp; more" in text


@pytest.mark.parametrize("codes", [[500], [503, 429]])
def test_a_server_that_is_ill_for_a_moment_is_asked_again(receiver: Receiver, codes: list[int]) -> None:
    receiver.codes = list(codes)
    assert notify(receiver.url, {"text": "x"}, QUICK)
    assert len(receiver.got) == len(codes) + 1


@pytest.mark.parametrize(("codes", "tries"), [([500] * 9, 3), ([404], 1), ([403], 1), ([302], 1), ([0] * 9, 3)])
def test_a_server_that_does_not_take_it_costs_a_warning_and_some_time(
    receiver: Receiver, said: Callable[[], str], codes: list[int], tries: int
) -> None:
    receiver.codes = list(codes)
    assert not notify(receiver.url, {"text": "x"}, QUICK if codes[0] else IMPATIENT)
    assert len(receiver.got) == tries  # a redirect is not followed
    assert "has not taken the message" in said()
    assert SECRET not in said() and "127.0.0.1" not in said()


def _closed_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/" + SECRET,
        "https://127.0.0.1:{port}/" + SECRET,
        "http://no-such-host.invalid/" + SECRET,
        "http://127.0.0.1:{port}/" + SECRET + " with a space\nand a line",
        "http://[::1/" + SECRET,
        "http://127.0.0.1:port/" + SECRET,
        "file:///etc/passwd#" + SECRET,
        SECRET,
    ],
    ids=["refused", "refused-tls", "unknown-host", "no-url", "no-address", "no-port", "file", "no-scheme"],
)
def test_an_address_that_leads_nowhere_is_a_warning_that_does_not_name_it(url: str, said: Callable[[], str]) -> None:
    assert not notify(url.replace("{port}", str(_closed_port())), {"text": "x"}, QUICK)
    assert "webhook" in said()
    assert SECRET not in said() and "passwd" not in said() and "no-such-host" not in said()


def test_tls_without_tls_behind_it_is_said_without_the_address(receiver: Receiver, said: Callable[[], str]) -> None:
    assert not notify(receiver.url.replace("http:", "https:"), {"text": "x"}, IMPATIENT)
    assert SECRET not in said()


def test_a_run_ends_alike_with_and_without_a_webhook_that_works(
    receiver: Receiver, steps: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, page = steps("ingest"), tmp_path / "summary.md"
    close = {"said": ("COMPLETE", ""), "page": "https://k.example/{run}", "summary": page}
    monkeypatch.delenv(WEBHOOK, raising=False)
    assert close_run(folder, "run-1", **close) == {"state": "succeeded"}
    without = page.read_text()
    monkeypatch.setenv(WEBHOOK, f"{receiver.url}\n")
    assert close_run(folder, "run-1", **close) == {"state": "succeeded", "webhook": True}
    assert page.read_text() == without
    assert receiver.got[0][1]["page"] == "https://k.example/run-1"
    monkeypatch.setenv(WEBHOOK, "nonsense")
    assert close_run(folder, "run-1", **close) == {"state": "succeeded", "webhook": False}


def test_a_runs_folder_that_cannot_be_read_still_gives_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(WEBHOOK, raising=False)
    page = tmp_path / "summary.md"
    told = close_run("gs://bucket/run", "run-1", said=("FAILED", ""), page="", summary=page)
    assert told == {"state": "failed"}
    assert page.read_text().startswith("# Run failed\n")

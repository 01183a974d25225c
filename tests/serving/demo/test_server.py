"""The page's server gives what is listed, takes pictures from its own page only, and says what is wrong."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import numpy as np
import pytest

from sparseinst.errors import ConfigError, StackError
from sparseinst.imaging.read import read_image
from sparseinst.serving.demo.samples import drawn_samples, samples_of_folder
from sparseinst.serving.demo.server import DemoServer
from sparseinst.serving.front_door.picture import MOST_BYTES
from tests.serving.demo.stub import StubEndpoint, answer, serving

ANSWER = answer([np.ones((4, 6), bool)], [0.5], ["thing"])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoServer]:
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "b.png").write_bytes(b"no picture")
    (folder / "A.JPG").write_bytes(drawn_samples(["disc", "triangle", "cross", "ring"])[0].content())
    (folder / "notes.txt").write_text("secret")
    with serving(StubEndpoint(ANSWER), samples_of_folder(folder)) as made:
        yield made


@pytest.fixture
def endpoint(server: DemoServer) -> Iterator[StubEndpoint]:
    assert isinstance(server.endpoint, StubEndpoint)
    server.endpoint.says = ANSWER
    server.endpoint.asked.clear()
    yield server.endpoint


def fetch(
    server: DemoServer, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    connection.request(method, path, body, headers or {})
    reply = connection.getresponse()
    content = reply.read()
    connection.close()
    return reply, content


def own(server: DemoServer, host: str = "127.0.0.1") -> dict[str, str]:
    """What the page's own requests carry."""
    return {"Host": f"{host}:{server.server_port}", "Origin": f"http://{host}:{server.server_port}"}


def test_the_page_and_everything_it_names_is_there_with_its_type(server: DemoServer) -> None:
    for path, kind in (
        ("/", "text/html; charset=utf-8"),
        ("/base.css", "text/css; charset=utf-8"),
        ("/page.css", "text/css; charset=utf-8"),
        ("/page.js", "text/javascript; charset=utf-8"),
        ("/rle.js", "text/javascript; charset=utf-8"),
        ("/about", "application/json"),
        ("/samples/0", "image/jpeg"),
        ("/thumbnails/0", "image/jpeg"),
    ):
        reply, content = fetch(server, "GET", path)
        assert (reply.status, reply.getheader("Content-Type")) == (HTTPStatus.OK, kind), path
        assert len(content) == int(reply.getheader("Content-Length", "")) > 0


def test_every_script_that_lies_beside_the_page_is_given_out(server: DemoServer) -> None:
    folder = Path(__file__).parents[3] / "sparseinst" / "serving" / "demo" / "page"
    scripts = sorted(folder.glob("*.js"))
    assert len(scripts) > 5
    for script in scripts:
        assert fetch(server, "GET", f"/{script.name}")[1] == script.read_bytes()


def test_every_reply_forbids_inline_scripts_guessed_types_and_foreign_frames(server: DemoServer) -> None:
    for method, path in (("GET", "/"), ("GET", "/nowhere"), ("POST", "/ask"), ("DELETE", "/")):
        reply, _ = fetch(server, method, path)
        policy = reply.getheader("Content-Security-Policy", "")
        assert "default-src 'none'" in policy and "script-src 'self';" in policy and "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert reply.getheader("X-Content-Type-Options") == "nosniff"
        assert "Python" not in reply.getheader("Server", "")


@pytest.mark.parametrize(
    "path",
    [
        "/../handler.py", "/page/../handler.py", "/%2e%2e/handler.py", "/..%2fhandler.py", "//etc/passwd",
        "/page", "/page/", "/samples", "/samples/", "/samples/2", "/samples/-1", "/samples/../notes.txt", "/notes.txt",
        "/samples/00", "/etc/passwd", "/handler.py", "/page.html",
    ],
)  # fmt: skip
def test_nothing_but_what_is_listed_can_be_had(server: DemoServer, path: str) -> None:
    reply, content = fetch(server, "GET", path)
    assert reply.status == HTTPStatus.NOT_FOUND
    assert json.loads(content)["problem"]


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.evil", "", "["]
)
def test_a_request_that_was_meant_for_another_name_gets_nothing(
    server: DemoServer, endpoint: StubEndpoint, host: str
) -> None:
    for path in ("/", "/about", "/samples/0"):
        reply, content = fetch(server, "GET", path, headers={"Host": host})
        assert reply.status == HTTPStatus.MISDIRECTED_REQUEST
        assert set(json.loads(content)) == {"problem", "where", "fix"}
    reply, _ = fetch(server, "POST", "/ask", b"x", {"Host": host, "Origin": f"http://{host}"})
    assert reply.status == HTTPStatus.MISDIRECTED_REQUEST
    assert endpoint.asked == []


def test_this_machines_names_are_all_right_behind_a_tunnels_port_too(server: DemoServer) -> None:
    for host in ("127.0.0.1:9", "localhost:9", "localhost"):
        assert fetch(server, "GET", "/", headers={"Host": host})[0].status == HTTPStatus.OK


def test_a_picture_goes_to_the_endpoint_and_its_answer_comes_back_as_it_is(
    server: DemoServer, endpoint: StubEndpoint
) -> None:
    for host in ("127.0.0.1", "localhost"):
        reply, content = fetch(server, "POST", "/ask", b"picture", own(server, host))
        assert reply.status == HTTPStatus.OK
        assert content == json.dumps(ANSWER).encode()
        assert reply.getheader("Server-Timing", "").startswith("receive;dur=")
    assert endpoint.asked == [b"picture"] * 2


@pytest.mark.parametrize("origin", [None, "null", "http://evil.example", "http://127.0.0.1:1", "https://127.0.0.1"])
def test_another_sites_picture_is_refused(server: DemoServer, endpoint: StubEndpoint, origin: str | None) -> None:
    reply, _ = fetch(server, "POST", "/ask", b"picture", {} if origin is None else {"Origin": origin})
    assert reply.status == HTTPStatus.FORBIDDEN
    assert endpoint.asked == []


def test_what_is_too_large_is_refused_before_it_is_read(server: DemoServer, endpoint: StubEndpoint) -> None:
    for length in (MOST_BYTES + 1, 10**30):
        reply, content = fetch(server, "POST", "/ask", None, own(server) | {"Content-Length": str(length)})
        assert reply.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        assert reply.getheader("Connection") == "close"
        assert "32 MB" in json.loads(content)["problem"]
    assert endpoint.asked == []


@pytest.mark.parametrize(
    "length", [{}, {"Content-Length": "-1"}, {"Content-Length": "x"}, {"Transfer-Encoding": "chunked"}]
)
def test_a_picture_of_unknown_length_is_refused(server: DemoServer, length: dict[str, str]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    connection.putrequest("POST", "/ask")
    for name, value in ({"Origin": f"http://127.0.0.1:{server.server_port}"} | length).items():
        connection.putheader(name, value)
    connection.endheaders()
    assert connection.getresponse().status == HTTPStatus.LENGTH_REQUIRED
    connection.close()


def test_a_picture_that_ends_early_is_not_sent_on(server: DemoServer, endpoint: StubEndpoint) -> None:
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=10) as plain:
        head = "".join(f"{name}: {value}\r\n" for name, value in own(server).items())
        plain.sendall(f"POST /ask HTTP/1.1\r\n{head}Content-Length: 100\r\n\r\nhalf".encode())
        plain.shutdown(socket.SHUT_WR)
        assert plain.recv(100) == b""
    assert endpoint.asked == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", "/ask", HTTPStatus.NOT_IMPLEMENTED),
        ("DELETE", "/", HTTPStatus.NOT_IMPLEMENTED),
        ("OPTIONS", "/ask", HTTPStatus.NOT_IMPLEMENTED),
        ("GET", "/ask", HTTPStatus.METHOD_NOT_ALLOWED),
        ("POST", "/", HTTPStatus.METHOD_NOT_ALLOWED),
        ("POST", "/samples/0", HTTPStatus.METHOD_NOT_ALLOWED),
    ],
)
def test_other_methods_are_refused(server: DemoServer, method: str, path: str, status: HTTPStatus) -> None:
    reply, content = fetch(server, method, path, b"" if method == "POST" else None, own(server))
    assert reply.status == status
    assert json.loads(content)["problem"]


def test_head_has_the_same_headers_and_no_body(server: DemoServer) -> None:
    reply, content = fetch(server, "HEAD", "/")
    assert (reply.status, content) == (HTTPStatus.OK, b"")
    assert int(reply.getheader("Content-Length", "")) > 1000


def test_what_is_wrong_is_told_in_words_and_whether_it_may_work_later(
    server: DemoServer, endpoint: StubEndpoint
) -> None:
    for error, can_retry in (
        (ConfigError("no picture", where="there", fix="send one"), False),
        (StackError("no server", where="there", fix="start it"), True),
    ):
        endpoint.says = error
        reply, content = fetch(server, "POST", "/ask", b"x", own(server))
        assert reply.status == HTTPStatus.OK, "a browser logs every other status as an error of the page"
        told = {"problem": error.problem, "where": "there", "fix": error.fix, "can_retry": can_retry}
        assert json.loads(content) == told
        about = json.loads(fetch(server, "GET", "/about")[1])
        assert about["serving"] is None
        assert about["problem"]["problem"] == error.problem


def test_samples_are_the_folders_pictures_and_a_broken_one_is_told(server: DemoServer) -> None:
    listed = json.loads(fetch(server, "GET", "/about")[1])["samples"]
    assert [sample["name"] for sample in listed] == ["A.JPG", "b.png"]
    thumbnail = read_image(fetch(server, "GET", listed[0]["thumbnail"])[1])
    assert max(thumbnail.shape) <= 240
    assert fetch(server, "GET", listed[1]["thumbnail"])[0].status == HTTPStatus.NOT_FOUND
    assert fetch(server, "GET", listed[1]["picture"])[1] == b"no picture"


def test_a_folder_without_pictures_is_an_error(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(ConfigError):
            samples_of_folder(folder)


def test_shapes_are_drawn_only_for_a_model_that_knows_them() -> None:
    assert drawn_samples(["person", "car"]) == []
    drawn = drawn_samples(["disc", "triangle", "cross", "ring"])
    assert len({sample.content() for sample in drawn}) == len(drawn) == 6


def test_a_port_that_is_taken_is_told(server: DemoServer) -> None:
    with pytest.raises(StackError, match=f"Port {server.server_port} for the page is taken by"):
        DemoServer(StubEndpoint(ANSWER), [], server.server_port)

import pytest

from sparseinst.errors import ConfigError
from sparseinst.serving.address import parse_address, parse_server


@pytest.mark.parametrize(
    ("url", "target", "is_tls"),
    [
        ("localhost:8001", "localhost:8001", False),
        ("grpc://10.0.0.1:8001", "10.0.0.1:8001", False),
        ("grpcs://triton.example:443/", "triton.example:443", True),
        ("[::1]:8001", "[::1]:8001", False),
    ],
)
def test_a_server_with_and_without_tls(url: str, target: str, is_tls: bool):
    server = parse_server(url)
    assert (server.target, server.is_tls) == (target, is_tls)


@pytest.mark.parametrize("url", ["localhost", "localhost:", ":8001", "http://a:80", "a:1/m", "a:0", "a:65536"])
def test_what_names_no_server(url: str):
    with pytest.raises(ConfigError, match="another form") as refused:
        parse_server(url)
    assert "grpcs://" in refused.value.fix


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("grpc://localhost:8001/shapes", ("localhost:8001", "shapes", "")),
        ("grpc://localhost:8001/shapes/3", ("localhost:8001", "shapes", "3")),
        ("grpcs://triton.example:443/shapes/3/", ("grpcs://triton.example:443", "shapes", "3")),
    ],
)
def test_a_served_model(address: str, parts: tuple[str, str, str]):
    assert parse_address(address) == parts


@pytest.mark.parametrize(
    "address", ["localhost:8001/m", "grpc://h/m", "grpc://h:1", "grpc://h:1/m/x", "grpc://h:99999/m"]
)
def test_what_names_no_served_model(address: str):
    with pytest.raises(ConfigError, match="served model has another form"):
        parse_address(address)

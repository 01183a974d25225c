"""A Triton server that speaks TLS, and wants to know its clients by their certificates."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sparseinst.errors import ConfigError
from sparseinst.evaluation.predictors.predictor import open_predictor
from sparseinst.serving.client import TritonClient
from sparseinst.serving.connection import Connection
from sparseinst.serving.refusals import NoServer, TlsFailed
from sparseinst.serving.security import Security
from tests.serving.client.certificates import Authority
from tests.serving.client.examples import examples
from tests.serving.client.pictures import pictures
from tests.serving.client.servers import own_triton


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.new(tmp_path_factory.mktemp("tls"), "authority")


@pytest.fixture(scope="module")
def security(authority: Authority) -> Security:
    """What the server trusts, and trusts it."""
    certificate, key = authority.sign("client", hosts=["client"], addresses=[])
    return Security(root_certificates=authority.roots, client_certificate=certificate, client_key=key)


@pytest.fixture(scope="module")
def address(
    triton_files: Path, authority: Authority, security: Security, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """host:port of the server; it serves the model "sparseinst"."""
    certificate, key = authority.sign("server", hosts=["triton.example"], addresses=["127.0.0.1"])
    options = ["--grpc-use-ssl=1", "--grpc-use-ssl-mutual=1", f"--grpc-root-cert={authority.roots}"]
    options += [f"--grpc-server-cert={certificate}", f"--grpc-server-key={key}"]
    with own_triton(tmp_path_factory.mktemp("triton"), tmp_path_factory.mktemp("models"), options, security) as server:
        server.publish("sparseinst")
        yield server.url


def test_a_model_is_asked_over_tls_with_what_the_environment_says(
    address: str, security: Security, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SPARSEINST_TLS_CA", str(security.root_certificates))
    monkeypatch.setenv("SPARSEINST_TLS_CERTIFICATE", str(security.client_certificate))
    monkeypatch.setenv("SPARSEINST_TLS_KEY", str(security.client_key))
    with TritonClient(f"grpcs://{address}", "sparseinst") as client:
        assert len(client.predict(pictures(1, 50, 60)[0])) == 2
    with open_predictor(f"grpcs://{address}/sparseinst/1") as predictor:
        assert len(predictor.predict(pictures(1, 50, 60))[0]) == 2


def test_the_example_of_the_docs_runs(
    address: str,
    security: Security,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    for source, name in (
        (security.root_certificates, "ca.pem"),
        (security.client_certificate, "client.pem"),
        (security.client_key, "client.key"),
    ):
        shutil.copy(str(source), tmp_path / name)
    monkeypatch.chdir(tmp_path)
    (code,) = (code for code in examples("python") if "grpcs://" in code)
    exec(compile(code.replace("triton.example:8001", address), "docs/clients.md", "exec"), {})
    assert capsys.readouterr().out == "['bright', 'dark']\n"


def test_a_server_is_known_by_the_name_in_its_certificate(address: str, security: Security):
    named = replace(security, server_name="triton.example")
    with Connection(address, timeout_s=5, security=named) as connection:
        assert connection.server_name()
    stranger = replace(security, server_name="another.example")
    with (
        Connection(address, timeout_s=5, security=stranger) as connection,
        pytest.raises(TlsFailed, match="certificate is for another name") as refused,
    ):
        connection.server_name()
    assert "SPARSEINST_TLS_SERVER_NAME" in refused.value.fix


def test_a_server_that_nobody_trusted_signed_is_refused(address: str, security: Security, tmp_path: Path):
    other = Authority.new(tmp_path, "other")
    with (
        Connection(address, timeout_s=5, security=replace(security, root_certificates=other.roots)) as connection,
        pytest.raises(TlsFailed, match="signed by nobody that this client trusts") as refused,
    ):
        connection.server_name()
    assert "SPARSEINST_TLS_CA" in refused.value.fix


def test_a_client_without_the_certificate_that_the_server_wants(address: str, security: Security):
    with (
        Connection(address, timeout_s=5, security=Security(root_certificates=security.root_certificates)) as stranger,
        pytest.raises(TlsFailed, match="cannot agree on TLS") as refused,
    ):
        stranger.server_name()
    assert "SPARSEINST_TLS_CERTIFICATE" in refused.value.fix


def test_a_client_without_tls_is_told_to_use_it(address: str):
    with Connection(address, timeout_s=5) as plain, pytest.raises(NoServer, match="broke the connection") as broken:
        plain.server_name()
    assert "grpcs://" in broken.value.fix


def test_files_that_are_wrong_are_told_before_anybody_is_asked(security: Security, authority: Authority):
    _, other_key = authority.sign("other", hosts=["other"], addresses=[])
    for wrong, problem in (
        (replace(security, client_key=None), "go together"),
        (replace(security, client_key=other_key), "do not belong together"),
        (replace(security, root_certificates=security.client_key), "no root certificates in PEM form"),
        (replace(security, root_certificates=Path("/nowhere/ca.pem")), "cannot be read"),
    ):
        with pytest.raises(ConfigError, match=problem):
            Connection("127.0.0.1:1", timeout_s=1, security=wrong)

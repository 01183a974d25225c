"""Each thing that can be wrong between us and Kubeflow: problem, place and fix, and never a secret."""

import subprocess
from pathlib import Path

import pytest
from requests.certs import where

from pipelines.submit.connection import make_connection
from pipelines.submit.credentials import find_credentials
from pipelines.submit.kubeflow import open_kubeflow
from sparseinst.errors import ClusterError
from tests.pipelines.submit.conftest import connected
from tests.pipelines.submit.kfp_api.server import Accident
from tests.pipelines.submit.kfp_api.wire import Answer

_HEALTH = "/apis/v2beta1/healthz"


def _trouble(host, namespace="", ca_cert=None):
    with pytest.raises(ClusterError) as refused:
        open_kubeflow(make_connection(host, namespace, ca_cert, find_credentials()))
    error = refused.value
    assert error.problem and error.where and error.fix
    assert error.exit_code == 12
    return error


def test_nothing_listens_there(api):
    host = api.host
    api.close()
    error = _trouble(host)
    assert "refused" in error.problem
    assert "port" in error.fix


def test_no_such_host():
    error = _trouble("http://no-such-host.invalid")
    assert "no-such-host.invalid" in error.problem


def test_something_else_answers(api):
    api.accidents.append(Accident(_HEALTH, times=9, answer=Answer(200, {"status": "ok"})))
    assert "not the API of Kubeflow" in _trouble(api.host).problem


def test_kubeflow_is_one_floor_up(start_api):
    api = start_api(below="/pipeline")
    error = _trouble(api.host.removesuffix("/pipeline"))
    assert error.fix == f"It is at KFP_HOST={api.host}"
    assert connected(api).multi_user is False


def test_kubeflow_is_too_old(api):
    api.accidents.append(Accident(_HEALTH, times=9, answer=Answer(404, "404 page not found")))
    assert "2.15" in _trouble(api.host).fix


def test_the_uis_server_says_that_the_api_server_is_away(api):
    api.is_ready = False
    assert "does not answer the UI" in _trouble(api.host).problem


def test_no_token(start_api):
    api = start_api(token="t-secret")
    error = _trouble(api.host)
    assert "wants to know who you are" in error.problem
    assert "KFP_TOKEN" in error.fix


def test_an_expired_token_and_the_error_says_where_it_was_from_and_not_what_it_is(start_api, monkeypatch):
    api = start_api(token="t-secret")
    monkeypatch.setenv("KFP_TOKEN", "t-old")
    error = _trouble(api.host)
    assert "KFP_TOKEN" in error.problem and "expired" in error.problem
    assert "t-old" not in str(error)


def test_a_good_token_lets_in_and_so_does_a_new_one_in_its_file(start_api, monkeypatch, tmp_path):
    api = start_api(token="first")
    (tmp_path / "token").write_text("first")
    monkeypatch.setenv("KFP_TOKEN_FILE", str(tmp_path / "token"))
    kubeflow = connected(api)
    kubeflow.ask("list", lambda sdk: sdk.list_pipelines())
    api.token = "second"
    (tmp_path / "token").write_text("second")
    kubeflow.ask("list", lambda sdk: sdk.list_pipelines())


def test_a_login_page_is_told_as_one(start_api, monkeypatch):
    api = start_api(cookie="oauth2_proxy_kubeflow=s-1")
    assert "login page" in _trouble(api.host).problem
    monkeypatch.setenv("KFP_COOKIES", "oauth2_proxy_kubeflow=s-1")
    kubeflow = connected(api)
    kubeflow.ask("list", lambda sdk: sdk.list_pipelines())


def test_a_login_page_with_status_200_too(api):
    page = Answer(200, "<!DOCTYPE html><html>Log in</html>", {"Content-Type": "text/html"})
    api.accidents.append(Accident(_HEALTH, times=9, answer=page))
    assert "login page" in _trouble(api.host).problem


def test_a_server_that_wants_tls_is_told_from_a_login(api):
    safe = Answer(301, "", {"Location": api.host.replace("http://", "https://")})
    api.accidents.append(Accident(_HEALTH, times=9, answer=safe))
    assert "https://" in _trouble(api.host).fix


def test_with_several_users_a_namespace_is_needed(start_api):
    api = start_api(multi_user=True, namespaces=("ml",))
    error = _trouble(api.host)
    assert "NAMESPACE" in error.fix


def test_an_unknown_namespace_is_told_with_its_name(start_api):
    api = start_api(multi_user=True, namespaces=("ml",))
    kubeflow = connected(api, "mll")
    with pytest.raises(ClusterError) as refused:
        kubeflow.ask("list", lambda sdk: sdk.list_experiments(namespace=kubeflow.namespace))
    assert "'mll'" in refused.value.problem
    assert "NAMESPACE" in refused.value.fix


def test_kubeflow_for_one_user_is_not_asked_for_a_namespace(api):
    assert connected(api, "kubeflow").namespace is None


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1 that nobody signed but itself."""
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=kubeflow -addext subjectAltName=IP:127.0.0.1"
    made = subprocess.run(
        [*command.split(), "-keyout", "key.pem", "-out", "cert.pem"], cwd=folder, capture_output=True, check=False
    )
    if made.returncode != 0:
        pytest.skip("needs openssl to make a certificate")
    (folder / "both.pem").write_bytes((folder / "cert.pem").read_bytes() + (folder / "key.pem").read_bytes())
    return folder


def test_a_certificate_that_is_not_trusted_is_told_and_ca_cert_helps(start_api, certificate):
    api = start_api(certificate=certificate / "both.pem")
    error = _trouble(api.host)
    assert "not trusted" in error.problem
    assert "CA_CERT" in error.fix
    kubeflow = connected(api, ca_cert=certificate / "cert.pem")
    kubeflow.ask("list", lambda sdk: sdk.list_pipelines())


def test_another_authoritys_certificate_does_not_help(start_api, certificate, tmp_path):
    api = start_api(certificate=certificate / "both.pem")
    other = tmp_path / "other.pem"
    first = Path(where()).read_text().split("-----END CERTIFICATE-----")[0]
    other.write_text(f"{first[first.index('-----BEGIN') :]}-----END CERTIFICATE-----\n")
    assert "other.pem" in _trouble(api.host, ca_cert=other).fix


def test_a_server_that_speaks_no_tls_is_told(api):
    error = _trouble(api.host.replace("http://", "https://"))
    assert "http://" in error.fix


def test_kfps_own_settings_in_the_home_are_not_used(api, monkeypatch, tmp_path):
    folder = tmp_path / ".config" / "kfp"
    folder.mkdir(parents=True)
    (folder / "context.json").write_text('{"namespace": "other", "client_authentication_cookie": "stale"}')
    connected(api).ask("list", lambda sdk: sdk.list_experiments())
    (asked,) = api.sent("GET", "/experiments")
    assert "namespace" not in asked.parameters
    assert "Cookie" not in asked.headers

import pytest

from pipelines.submit.connection import make_connection
from pipelines.submit.credentials import Credentials, find_credentials
from sparseinst.errors import ConfigError


def _host(text):
    return make_connection(text, "", None, Credentials()).host


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("https://kf.example.com/pipeline", "https://kf.example.com/pipeline"),
        ("https://kf.example.com/pipeline/", "https://kf.example.com/pipeline"),
        ("kf.example.com", "https://kf.example.com"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("https://kf.example.com/pipeline/#/runs", "https://kf.example.com/pipeline"),
        ("https://kf.example.com/_/pipeline/?ns=ml#/runs/details/1", "https://kf.example.com/pipeline"),
    ],
)
def test_an_address_is_taken_as_people_have_it(text, host):
    assert _host(text) == host


@pytest.mark.parametrize("text", ["ftp://kf.example.com", "https://", "https:///pipeline"])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(ConfigError, match="no address"):
        _host(text)


def test_a_password_in_the_address_is_refused_without_being_shown():
    with pytest.raises(ConfigError) as refused:
        _host("https://ada:secret@kf.example.com")
    assert "secret" not in str(refused.value)


def test_a_proxy_of_the_environment_is_used_except_for_hosts_that_want_none(monkeypatch):
    monkeypatch.setenv("https_proxy", "http://proxy.example.com:3128")
    monkeypatch.setenv("no_proxy", "inside.example.com")
    assert make_connection("https://kf.example.com", "", None, Credentials()).proxy == "http://proxy.example.com:3128"
    assert make_connection("https://inside.example.com", "", None, Credentials()).proxy is None


@pytest.mark.parametrize(
    ("host", "is_open"),
    [
        ("http://kf.example.com", True),
        ("https://kf.example.com", False),
        ("http://localhost:8080", False),
        ("http://ml-pipeline.kubeflow.svc.cluster.local:8888", False),
    ],
)
def test_a_token_that_others_can_read_on_its_way_is_noticed(host, is_open):
    token = find_credentials({"KFP_TOKEN": "t-1"})
    assert make_connection(host, "", None, token).is_open_to_others is is_open
    assert not make_connection(host, "", None, Credentials()).is_open_to_others


def test_a_file_without_certificates_is_refused(tmp_path):
    (tmp_path / "ca.pem").write_text("not a certificate")
    for path in (tmp_path / "ca.pem", tmp_path / "absent.pem"):
        with pytest.raises(ConfigError, match="certificates") as refused:
            make_connection("https://kf.example.com", "", path, Credentials())
        assert str(path) in refused.value.where

"""`make dashboards` loads the dashboard into a Grafana, or says what stands in the way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from deploy.monitoring import __main__ as main
from deploy.monitoring.grafana import upload
from deploy.monitoring.layout import dashboard
from deploy.monitoring.queries import read_dashboard
from sparseinst.errors import ConfigError, SparseInstError, StackError
from sparseinst.serving.stack.ports import choose_port
from tests.deploy.monitoring.grafana_server import EDITOR, VIEWER, Grafana, listening

MADE = dashboard(read_dashboard())


@pytest.fixture
def grafana() -> Iterator[Grafana]:
    with listening(Grafana()) as grafana:
        yield grafana


@pytest.fixture(autouse=True)
def output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the JSON goes, in place of the committed file; and no Grafana of the person who runs the tests."""
    monkeypatch.setattr(main, "OUTPUT", tmp_path / "sparseinst.json")
    for name in ("GRAFANA_URL", "GRAFANA_TOKEN", "GRAFANA_FOLDER"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "sparseinst.json"


def test_without_an_address_it_writes_the_file_and_says_how_to_load_it(output: Path):
    result = CliRunner().invoke(main.command, catch_exceptions=False)
    assert result.exit_code == 0
    assert json.loads(output.read_text()) == MADE
    assert "kubectl apply -k deploy/monitoring/dashboards" in result.stdout
    assert "GRAFANA_URL=" in result.stdout


def test_it_is_loaded_and_the_next_time_replaced(grafana: Grafana):
    environment = {"GRAFANA_URL": f"{grafana.url}/", "GRAFANA_TOKEN": EDITOR, "GRAFANA_FOLDER": "ml"}
    for version in (1, 2):
        result = CliRunner().invoke(main.command, ["--json"], env=environment, catch_exceptions=False)
        told = json.loads(result.stdout)
        assert told["url"] == f"{grafana.url}/d/sparseinst-serving/sparseinst-on-triton"
        (kept,) = grafana.dashboards.values()
        assert kept == {**MADE, "id": None, "version": version, "folderUid": "ml"}


def test_a_grafana_below_a_path_gives_an_address_that_people_can_open():
    with listening(Grafana(path="/grafana")) as grafana:
        assert upload(MADE, grafana.url, EDITOR) == f"{grafana.url}/d/sparseinst-serving/sparseinst-on-triton"


def refused(url: str, token: str = EDITOR, **options: str) -> SparseInstError:
    with pytest.raises(SparseInstError) as caught:
        upload(MADE, url, token, **options)
    error = caught.value
    assert error.where
    assert error.fix
    assert token not in str(error) or not token
    return error


def test_what_is_wrong_with_token_or_folder_is_told(grafana: Grafana):
    error = refused(grafana.url, "glsa_expired")
    assert isinstance(error, ConfigError)
    assert (error.problem, error.details) == (
        "Grafana does not know the token.",
        ("it answers 401 Unauthorized: Invalid API key",),
    )
    error = refused(grafana.url, VIEWER)
    assert error.problem == "The token may not write dashboards."
    assert "dashboards:create" in error.details[0]
    error = refused(grafana.url, "")
    assert error.problem == "There is no token for Grafana."
    error = refused(grafana.url, "two words\n")
    assert "odd signs" in error.problem
    error = refused(grafana.url, folder="nowhere")
    assert error.problem == "Grafana has no folder 'nowhere'."
    assert grafana.dashboards == {}


def test_a_dashboard_that_is_provisioned_from_files_is_not_replaced(grafana: Grafana):
    grafana.provisioned.add("sparseinst-serving")
    error = refused(grafana.url)
    assert isinstance(error, StackError)
    assert error.details == ("it answers 400 Bad Request: Cannot save provisioned dashboard",)


def test_a_page_that_asks_for_a_password_is_no_success():
    with listening(Grafana(behind_login=True)) as grafana:
        error = refused(grafana.url)
    assert error.problem == "What answers there is not Grafana."
    assert "it sends us to /oauth2/sign_in" in error.details


def test_a_wrong_path_and_no_server_are_told(grafana: Grafana):
    error = refused(f"{grafana.url}/elsewhere")
    assert error.problem == "What answers there is not Grafana."
    assert error.details[0].startswith("it answers 404")
    error = refused(f"http://127.0.0.1:{choose_port(())}")
    assert isinstance(error, StackError)
    assert error.problem == "Grafana does not answer."


@pytest.mark.parametrize("url", ["grafana.example", "ftp://grafana", "https://", "https://me:secret@grafana"])
def test_an_address_of_another_form_is_refused_without_showing_what_may_be_a_password(url: str):
    error = refused(url)
    assert isinstance(error, ConfigError)
    assert "secret" not in str(error)


def test_a_query_for_what_nobody_exports_stops_it(monkeypatch: pytest.MonkeyPatch, output: Path):
    written = read_dashboard()
    written["rows"][0]["panels"][0]["queries"][0]["expr"] = 'sum(nv_inference_requests{namespace="$namespace"})'
    monkeypatch.setattr(main, "read_dashboard", lambda: written)
    result = CliRunner().invoke(main.command)
    assert isinstance(result.exception, ConfigError)
    (said,) = result.exception.details
    assert said.startswith("dashboard, At a glance / Replicas ready: nobody exports nv_inference_requests")
    assert not output.exists()

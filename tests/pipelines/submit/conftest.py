"""A Kubeflow for each test, a clock that does not sleep, and the command run in this process."""

import shutil
from dataclasses import dataclass

import pytest

from pipelines.compile import compile_preset
from pipelines.platform.preset import load_preset
from pipelines.submit import actions
from pipelines.submit.__main__ import main
from pipelines.submit.compiled import read_compiled
from pipelines.submit.connection import make_connection
from pipelines.submit.credentials import find_credentials
from pipelines.submit.kubeflow import open_kubeflow
from pipelines.submit.patience import Pace
from pipelines.submit.start import Order, start_run
from pipelines.submit.version import ensure_version
from tests.pipelines.submit.kfp_api.server import KfpApi

_OURS = ("KFP_HOST", "KFP_TOKEN", "KFP_TOKEN_FILE", "KFP_COOKIES", "KFP_COOKIES_FILE", "KFP_CA_CERT")
_OTHERS = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "KF_PIPELINES_SA_TOKEN_PATH")


@pytest.fixture(autouse=True)
def own_environment(monkeypatch, tmp_path):
    """Nothing of the machine's: no Kubeflow, no token, no proxy, no home with settings of kfp's."""
    for name in (*_OURS, *_OTHERS):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture(scope="session")
def compiled_once(tmp_path_factory):
    """The presets as the compiler writes them, each compiled once in all these tests."""
    folder, done = tmp_path_factory.mktemp("compiled"), {}

    def once(preset, path, *images):
        key = (preset.name, str(preset), *images)
        if key not in done:
            done[key] = compile_preset(preset, folder / f"{len(done)}.yaml", *images)
        return shutil.copy(done[key], path)

    return once


@pytest.fixture(autouse=True)
def quick_compiler(monkeypatch, compiled_once):
    monkeypatch.setattr(actions, "compile_preset", compiled_once)


@pytest.fixture
def file(compiled_once, tmp_path):
    """The pipeline of the preset gpu8."""
    return compiled_once(load_preset("gpu8"), tmp_path / "gpu8.yaml")


@pytest.fixture(scope="session")
def compiled(compiled_once, tmp_path_factory):
    return read_compiled(compiled_once(load_preset("gpu8"), tmp_path_factory.mktemp("gpu8") / "gpu8.yaml"))


@pytest.fixture
def start_api():
    """Starts a Kubeflow with these settings."""
    running = []

    def start(**settings):
        running.append(KfpApi(**settings))
        return running[-1]

    yield start
    for api in running:
        api.close()


@pytest.fixture
def api(start_api):
    return start_api()


@pytest.fixture
def pace(api):
    """The API's own clock. Sleeping moves it on, and each look at a run does, by a minute."""

    def sleep(seconds):
        api.clock.now += seconds

    return Pace(poll_s=0, sleep=sleep, now=lambda: api.clock.now)


def connected(api, namespace="", ca_cert=None):
    """The API as a client sees it."""
    return open_kubeflow(make_connection(api.host, namespace, ca_cert, find_credentials()))


@pytest.fixture
def kubeflow(api):
    return connected(api)


@pytest.fixture
def order():
    return Order(name="a-run", experiment="tests", parameters={"seed": 3}, service_account="sparseinst-steps")


@pytest.fixture
def start(kubeflow, file, order, pace):
    """Starts a run of gpu8 and gives its id."""
    return lambda: start_run(kubeflow, ensure_version(kubeflow, file, "gpu8", "abc1234"), order, pace)


@dataclass
class Done:
    code: int
    out: str
    err: str


@pytest.fixture
def submit(capsys):
    """Runs the command with these arguments."""

    def run(*arguments):
        code = main([*arguments, "--poll", "0"])
        out, err = capsys.readouterr()
        return Done(code, out, err)

    return run

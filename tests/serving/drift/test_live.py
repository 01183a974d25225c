"""Through a real Triton with a front door: shifted pictures raise drift, unshifted ones do not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from click.testing import CliRunner
from numpy.typing import NDArray

from sparseinst.cli.drift import command
from sparseinst.errors import ConfigError, DeployError, EvaluationError, SparseInstError, StackError
from sparseinst.evaluation.analysis.distribution import FoundColumns, distribution
from sparseinst.evaluation.predictors.predictor import open_predictor
from sparseinst.export.contract import fingerprint
from sparseinst.files import write_json
from sparseinst.imaging.write import encode_image
from sparseinst.serving import stack
from sparseinst.serving.connection import Connection
from sparseinst.serving.drift.exposition import parse
from sparseinst.storage import Storage
from tests.serving import tiny
from tests.serving.front_door.counters import wait_for
from tests.serving.front_door.door import ask, publish, put_front_door

MARK = fingerprint(tiny.METADATA).hex()
ANSWERED = f"sparseinst_requests_total arm=service fingerprint={MARK} outcome=ok"
EVALUATED, UNSHIFTED, SHIFTED = 300, 250, 150


def pictures(count: int, seed: int, bright: float) -> list[NDArray[np.uint8]]:
    """Ramps from dark to bright; where they turn, and how bright they are, differs from one to the next."""
    random = np.random.default_rng(seed)
    ramp = np.linspace(-90, 90, 64)[None, :, None]
    levels = random.normal(bright, 30, count)[:, None, None, None]
    return list(np.broadcast_to(np.clip(levels + ramp, 0, 255), (count, 64, 64, 3)).astype(np.uint8))


@dataclass(frozen=True)
class Served:
    """A model with a front door: its name, where it counts, and its evaluation's folder."""

    name: str
    metrics_url: str
    grpc: str
    evaluation: Path
    ask: Callable[[list[NDArray[np.uint8]]], None]


@pytest.fixture(scope="module")
def served(
    environment: stack.StackState, models: Storage, kept_name: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("drift")
    publish(models, folder, kept_name)
    models.upload(folder / kept_name / "config.pbtxt", f"{kept_name}/1/config.pbtxt")
    with Connection(environment.triton_url, timeout_s=60) as connection:
        connection.load(kept_name)
        evaluate(f"grpc://{environment.triton_url}/{kept_name}", folder / "metrics.json")
        models.upload(folder / "metrics.json", f"{kept_name}/1/metrics.json")
        front = put_front_door(models, kept_name, [tiny.METADATA])
        connection.load(front)
        asked = 0

        def ask_all(images: list[NDArray[np.uint8]]) -> None:
            nonlocal asked
            with ThreadPoolExecutor(4) as pool:
                list(pool.map(lambda image: ask(connection, front, encode_image(image, ".png")), images))
            asked += len(images)
            wait_for(environment, kept_name, ANSWERED, asked)

        url = f"http://127.0.0.1:{environment.ports['metrics']}/metrics"
        yield Served(kept_name, url, environment.triton_url, folder, ask_all)


def evaluate(model: str, metrics: Path) -> None:
    """What an evaluation of the model finds in unshifted pictures."""
    with open_predictor(model) as predictor:
        found = predictor.predict(pictures(EVALUATED, 1, 110))
    columns = FoundColumns(
        scores=np.concatenate([one.scores for one in found]).astype(np.float64),
        areas=np.concatenate([one.masks.sum((1, 2)) for one in found]).astype(np.float64),
        classes=np.concatenate([one.classes for one in found]),
        images=np.repeat(np.arange(EVALUATED), [len(one.scores) for one in found]),
    )
    write_json(metrics, {"distribution": distribution(columns, ["bright", "dark"], EVALUATED)})


def once(served: Served, *options: str) -> dict[str, Any]:
    result = CliRunner().invoke(
        command, ["--once", "--json", "--metrics-url", served.metrics_url, *options], catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    told: dict[str, Any] = json.loads(result.stdout)
    return told


def test_before_any_picture_there_is_too_little_to_say(served: Served):
    told = once(served, "--name", served.name, "--repository", "s3://models")
    assert told["live"] == {"pictures": 0, "objects": 0}
    assert {entry["verdict"] for entry in told["drift"].values()} == {"too_few"}
    assert told["objects_per_picture"]["reason"] == "no live picture yet"


def test_unshifted_pictures_are_no_drift_and_shifted_ones_are(served: Served, tmp_path: Path):
    served.ask(pictures(UNSHIFTED, 2, 110))
    told = once(served, "--model", f"grpc://{served.grpc}/{served.name}_front", "--repository", "s3://models")
    assert (told["name"], told["version"], told["fingerprint"]) == (served.name, "1", MARK)
    assert told["live"] == {"pictures": UNSHIFTED, "objects": 2 * UNSHIFTED}
    assert {what: entry["verdict"] for what, entry in told["drift"].items()} == dict.fromkeys(told["drift"], "same")
    assert told["objects_per_picture"]["verdict"] == "same"

    with exporter(served, tmp_path) as gauges:
        wait_until(lambda: gauges().get("sparseinst_drift_up") == 1)
        assert gauges()["sparseinst_drift_pictures"] == 0  # what came before is not in its window
        served.ask(pictures(SHIFTED, 3, 190))
        wait_until(lambda: gauges()["sparseinst_drift_pictures"] == SHIFTED)
        found = gauges()
    assert found["sparseinst_drift{distance=psi what=scores}"] > 0.25
    assert found["sparseinst_drift{distance=js what=areas}"] > 0.2
    for what in ("scores", "areas"):
        assert found[f"sparseinst_drift_verdict{{verdict=drift what={what}}}"] == 1
        assert found[f"sparseinst_drift_verdict{{verdict=same what={what}}}"] == 0
    assert found["sparseinst_objects_per_picture{side=evaluation}"] == 2
    assert found[f"sparseinst_drift_reference_info{{fingerprint={MARK} model={served.name} version=1}}"] == 1


def test_people_get_a_table(served: Served):
    asked = ["--once", "--metrics-url", served.metrics_url, "--model", f"grpc://{served.grpc}/{served.name}"]
    result = CliRunner().invoke(command, [*asked, "--evaluation", str(served.evaluation)], catch_exceptions=False)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith(f"{served.name} version 1 ({MARK})")
    assert [line.split()[0] for line in lines if line.endswith(("same", "moderate", "drift"))][:1] == ["scores"]


class exporter:
    """The command in a process of its own; in the block, what its gauges say."""

    def __init__(self, served: Served, folder: Path) -> None:
        self._log = folder / "log"
        arguments = ["--name", served.name, "--repository", "s3://models", "--metrics-url", served.metrics_url]
        self._command = [sys.executable, "-m", "sparseinst", "drift", *arguments, "--every", "1s", "--port", "0"]

    def __enter__(self) -> Callable[[], dict[str, float]]:
        with self._log.open("w") as log:
            self._process = subprocess.Popen(self._command, stderr=log, stdout=log, env=dict(os.environ))
        try:
            wait_until(lambda: "serves at " in self._log.read_text() or self._process.poll() is not None)
            assert self._process.poll() is None, self._log.read_text()
        except BaseException:
            self._process.kill()
            raise
        url = self._log.read_text().split("serves at ")[1].split()[0]
        assert requests.get(url.removesuffix("metrics"), timeout=10).status_code == 404
        return lambda: read_gauges(requests.get(url, timeout=10))

    def __exit__(self, *error: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            assert self._process.wait(30) == 128 + signal.SIGTERM
        finally:
            self._process.kill()
        assert "Traceback" not in self._log.read_text()


def read_gauges(answer: requests.Response) -> dict[str, float]:
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return {
        series.name
        + ("{" + " ".join(f"{key}={text}" for key, text in series.labels) + "}" if series.labels else ""): value
        for series, value in parse(answer.text)
    }


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)


def refused(*arguments: str) -> SparseInstError:
    result = CliRunner().invoke(command, ["--once", *arguments])
    assert isinstance(result.exception, SparseInstError), result.output
    return result.exception


def test_what_is_missing_is_named_with_a_way_out(served: Served, models: Storage, tmp_path: Path):
    here = ["--repository", "s3://models", "--metrics-url", served.metrics_url]
    error = refused("--name", "nobody", *here)
    assert isinstance(error, DeployError)
    assert f"it has '{served.name}'" in error.details
    error = refused("--model", f"grpc://{served.grpc}/nobody", *here)
    assert isinstance(error, (ConfigError, StackError))
    error = refused("--name", served.name, "--repository", "s3://models", "--metrics-url", "http://127.0.0.1:9/metrics")
    assert isinstance(error, StackError)
    assert error.problem == "The metrics cannot be read."
    error = refused("--name", served.name, "--repository", "s3://models", "--metrics-url", "127.0.0.1:8002")
    assert isinstance(error, ConfigError)
    publish(models, tmp_path, f"{served.name}b")
    try:
        error = refused("--name", f"{served.name}b", *here)
        assert isinstance(error, EvaluationError)
        assert "without its evaluation" in error.problem
        error = refused("--name", f"{served.name}b", *here, "--evaluation", str(served.evaluation))
        assert isinstance(error, StackError)
        assert "no front door" in error.problem
    finally:
        models.delete_prefix(f"{served.name}b")
    error = refused("--name", served.name, *here, "--evaluation", str(tmp_path))
    assert isinstance(error, EvaluationError)


def test_a_server_that_is_not_triton_is_told_from_one_that_is(served: Served, environment: stack.StackState):
    triton_http = f"http://127.0.0.1:{environment.ports['http']}/v2/health/live"
    error = refused("--name", served.name, "--repository", "s3://models", "--metrics-url", triton_http)
    assert error.problem == "What answers there is not Triton's metrics."

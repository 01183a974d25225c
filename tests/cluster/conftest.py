"""A cluster for each test, and a request that is quick to wait for."""

import logging
import threading
from contextlib import contextmanager

import pytest

from sparseinst.cluster.connection import connect
from sparseinst.cluster.launch import Waiting
from sparseinst.cluster.request import TrainJobRequest
from tests.cluster.kubernetes import Kubernetes
from tests.s3_server import s3_server, s3_uri  # noqa: F401


@pytest.fixture
def kubernetes():
    cluster = Kubernetes()
    yield cluster
    cluster.close()


@pytest.fixture
def cluster(kubernetes, tmp_path):
    """The cluster as the launcher sees it, by a kubeconfig."""
    return connect(environment={"KUBECONFIG": str(kubernetes.kubeconfig(tmp_path / "kubeconfig"))})


@pytest.fixture
def request_():
    return TrainJobRequest(
        run_id="run-1",
        image="registry.example/sparseinst:1",
        data="/workspace/run-1/dataset",
        output="/workspace/run-1/train",
        config="quick",
        nodes=2,
    )


@pytest.fixture
def waiting():
    return Waiting(poll_s=0.05, patience_s=20.0, log_end_s=5.0, log_silence_s=5.0)


@pytest.fixture
def told():
    """What the launcher says, line by line."""

    class Lines(logging.Handler):
        def __init__(self):
            super().__init__()
            self.lines = []

        def emit(self, record):
            self.lines.append(record.getMessage())

    handler, logger = Lines(), logging.getLogger("sparseinst.train_job")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler.lines
    logger.removeHandler(handler)
    logger.setLevel(before)


@pytest.fixture
def played():
    """`with played(function):` runs the controllers' part beside the test; its errors are the test's."""

    @contextmanager
    def run(part):
        errors = []

        def guarded():
            try:
                part()
            except BaseException as error:  # noqa: BLE001, handed on below
                errors.append(error)

        thread = threading.Thread(target=guarded)
        thread.start()
        try:
            yield
        finally:
            thread.join(30)
        assert errors == []

    return run

"""What all tests share."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sparseinst.manifest import code_commit

ROOT = Path(__file__).parents[1]

# What takes longest comes first, so that no process has a long file left when the others have ended; as
# `python -m benchmarks.tests_time` finds it.
LONGEST = (
    "pipelines/test_end_to_end.py",
    "serving/rollout/test_under_load.py",
    "serving/rollout/test_replicas_under_load.py",
    "docs/test_operations.py",
    "training/test_resume_two_ranks.py",
    "components/test_in_a_bucket.py",
    "training/test_resume.py",
    "workspace/test_training.py",
    "serving/test_stack.py",
    "serving/test_evaluated_alike.py",
    "cluster/test_two_nodes.py",
    "serving/rollout/test_rollout.py",
    "training/test_sums.py",
    "cluster/test_launch.py",
    "serving/test_lineage.py",
    "serving/test_watch.py",
    "golden/test_training.py",
    "training/trouble/test_stop.py",
    "training/trouble/test_hang.py",
    "serving/demo/test_page.py",
    "serving/front_door/test_switch.py",
    "model/test_inference.py",
    "training/trouble/test_workers.py",
    "model/test_parameters.py",
    "export/test_every_backbone.py",
    "golden/test_inference.py",
    "export/test_torch_export.py",
    "model/test_network.py",
    "serving/test_canary.py",
    "serving/test_liveness.py",
    "serving/drift/test_live.py",
    "training/trouble/test_disk.py",
    "training/test_train.py",
    "training/test_exam.py",
    "training/state/test_mirror.py",
    "storage/test_source_from_s3.py",
    "serving/test_served_equals_trained.py",
    "serving/test_hostile.py",
    "workspace/test_bucket.py",
    "data/checks/test_limits.py",
    "data/test_ingest.py",
    "evaluation/report/test_page_in_a_browser.py",
    "training/report/test_page_in_a_browser.py",
)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data beside the checkout. The project stands without it; a test that wants it skips."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("needs ../shared, the folder of real data beside this checkout")
    return folder


@pytest.fixture(autouse=True)
def fresh_log() -> None:
    """A command sets up what people read, once in a process. No test finds what another one set up.

    pytest listens at the root and at each logger that does not pass its messages on: one that an earlier test cut off
    would be heard twice by a test that joins it again.
    """
    logger = logging.getLogger("sparseinst")
    logger.handlers.clear()
    logger.setLevel(logging.NOTSET)
    logger.propagate = True


@pytest.fixture(scope="session", autouse=True)
def quick_disk() -> Iterator[None]:
    """No test cuts the power, and what a killed process wrote is there: nobody waits until it is on the disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda file: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def known_commit() -> Iterator[None]:
    """Git is asked once which commit this is, not for every manifest."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARSEINST_COMMIT", code_commit())
        yield


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {ROOT / "tests" / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


def pytest_configure() -> None:
    """A shell that starts the tests in the background lets them ignore Ctrl-C, and so all that they start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--goldens", metavar="DIR", help="check every sparse_inst_*.npz in DIR instead of the light set")

"""Triton servers of a module's own whose models load in no time, on the shared S3 and on a directory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sparseinst.serving import stack
from sparseinst.serving.stack.state import DATA_BUCKET
from sparseinst.storage import Storage, open_storage
from tests.serving.conftest import new_name
from tests.serving.rollout.fleet import Fleet, fleet


@pytest.fixture(scope="module")
def fleet_on_s3(environment: stack.StackState, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Servers on S3; none runs yet."""
    place = f"{DATA_BUCKET}/{new_name()}"
    open_storage(f"s3://{place}").write_bytes(".keep", b"")  # Triton does not start on a prefix that nothing has
    folder = tmp_path_factory.mktemp("fleet")
    with fleet(folder, environment, f"s3://{place}", f"s3://{environment.s3_url}/{place}") as servers:
        yield servers


@pytest.fixture(scope="module")
def fleet_on_a_directory(environment: stack.StackState, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Servers on a directory, as those with a mounted volume are; none runs yet."""
    folder = tmp_path_factory.mktemp("fleet")
    (folder / "models").mkdir()
    with fleet(folder, environment, str(folder / "models"), str(folder / "models")) as servers:
        yield servers


@pytest.fixture(scope="module")
def published(fleet_on_s3: Fleet) -> Storage:
    """The model repository of the servers on S3."""
    return open_storage(fleet_on_s3.to)

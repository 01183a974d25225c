"""What docs/rights.md gives is enough: for a run's folder, for a rollout, and for a server that starts anew."""

from urllib.parse import urlsplit

import pytest

from sparseinst.errors import SparseInstError, StackError, StorageError
from sparseinst.serving import stack
from sparseinst.serving.connection import Connection
from sparseinst.serving.key import KEY_VARIABLE
from sparseinst.serving.rollout import deploy, rollback
from sparseinst.serving.stack import triton
from sparseinst.steps import step
from sparseinst.workspace import fetch, open_workspace
from tests.deploy.principals import OWNER, client, s3_of_principals, secret_of  # noqa: F401, a fixture
from tests.serving.rollout.fleet import fleet
from tests.serving.rollout.load import Version, write_export

pytestmark = pytest.mark.stack
NAME = "served"


@pytest.fixture
def become(s3_of_principals, monkeypatch, tmp_path):  # noqa: F811
    """Gives this process the secret of a principal, as Kubernetes gives it to a pod; and a disk of its own."""

    def become(name):
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", name)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret_of(name))
        monkeypatch.setenv("AWS_ENDPOINT_URL", s3_of_principals)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setenv("SPARSEINST_SCRATCH", str(tmp_path / name))

    return become


@pytest.fixture
def server(s3_of_principals, tmp_path):  # noqa: F811
    """A Triton that reads the bucket as the principal `sparseinst-triton`."""
    try:
        triton.require_program()
    except StackError as error:
        pytest.skip(f"the Triton server is not installed: {error}")
    place = urlsplit(s3_of_principals)
    state = stack.StackState(
        root=tmp_path,
        access_key="sparseinst-triton",
        secret_key=secret_of("sparseinst-triton"),
        ports={"s3": place.port},
    )
    with fleet(tmp_path / "servers", state, "s3://models", f"s3://{s3_of_principals}/models") as servers:
        servers.start(1)
        yield servers


def test_what_one_step_leaves_in_the_runs_folder_the_next_finds_and_deploy_only_reads(become):
    run = "s3://scratch/r1"
    become("sparseinst-steps")
    with step("export", run), open_workspace(run).make("export") as folder:
        folder.mkdir(exist_ok=True)
        (folder / "model.pt").write_bytes(b"weights")
    become("sparseinst-deploy")
    assert (fetch(f"{run}/export") / "model.pt").read_bytes() == b"weights"
    with pytest.raises(StorageError, match="refuses access"), open_workspace(run).make("export") as folder:
        folder.mkdir(exist_ok=True)
        (folder / "model.pt").write_bytes(b"others")


def test_deploy_can_note_what_it_did_where_the_exit_handler_looks(become, s3_of_principals, caplog):  # noqa: F811
    become("sparseinst-deploy")
    with step("deploy", "s3://scratch/r2") as facts:
        facts["version"] = 1
    assert "not kept" not in caplog.text
    owner = client(s3_of_principals, OWNER)
    assert b"succeeded" in owner.get_object(Bucket="scratch", Key="r2/steps/deploy.jsonl")["Body"].read()


def test_a_rollout_its_way_back_and_a_new_replica_work_with_these_rights_alone(become, server, tmp_path, monkeypatch):
    monkeypatch.setenv(KEY_VARIABLE, server.state.triton_key)
    become("sparseinst-deploy")
    exports = [write_export(tmp_path / f"export{number}", NAME, Version.of(number)) for number in (1, 2)]
    for version, export in enumerate(exports, start=1):
        assert deploy(export, server.to, server.address(1)).version == version
    assert rollback(NAME, server.to, server.address(1)).version == 1
    loaded = [f"--load-model={NAME}", f"--load-model={NAME}_front"]
    with Connection(server.start(2, options=loaded), timeout_s=10) as connection:
        assert connection.is_ready(NAME), "a replica that starts anew serves what was published last"


def test_the_other_steps_cannot_deploy(become, server, tmp_path, monkeypatch, s3_of_principals):  # noqa: F811
    monkeypatch.setenv(KEY_VARIABLE, server.state.triton_key)
    become("sparseinst-steps")
    export = write_export(tmp_path / "export", "other", Version.of(3))
    with pytest.raises(SparseInstError, match="refuses access"):
        deploy(export, server.to, server.address(1))
    found = client(s3_of_principals, OWNER).list_objects_v2(Bucket="models", Prefix="other")
    assert found["KeyCount"] == 0

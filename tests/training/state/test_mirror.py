"""States go to a real S3 server while training goes on, whatever the way there suffers."""

from __future__ import annotations

import json
import shutil
import threading
import time
from pathlib import Path

import pytest

from sparseinst.errors import StorageError
from sparseinst.storage import open_storage
from sparseinst.training.order import Surroundings
from sparseinst.training.state import mirror as mirror_module
from sparseinst.training.state import saver as saver_module
from sparseinst.training.train import train
from tests.tcp_gate import TcpGate
from tests.training.forked import Forge
from tests.training.recipe import assert_same_run, command, recipe

pytestmark = pytest.mark.stack


@pytest.fixture
def gate(s3_uri: str, s3_server: dict[str, str], monkeypatch: pytest.MonkeyPatch):
    """The way to the server."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with TcpGate(s3_server["AWS_ENDPOINT_URL"]) as made:
        monkeypatch.setenv("AWS_ENDPOINT_URL", made.url)
        yield made


def test_a_machine_that_lost_its_disk_goes_on_from_the_bucket(
    forge: Forge, sample: Path, tmp_path: Path, s3_uri: str
) -> None:
    whole, lost = tmp_path / "whole", tmp_path / "lost"
    config = recipe(iterations=8, checkpoint_every=3, eval_every=3, result="best")
    train(sample, whole, config)
    train(sample, lost, config, Surroundings(mirror=s3_uri))
    bucket = open_storage(s3_uri)
    keys = bucket.list()
    assert [key.partition("-")[0] for key in keys] == ["00000006", "00000008", "best.pt"]
    bucket.delete(keys[1])  # as if the machine had died after iteration 6
    shutil.rmtree(lost)
    messages = forge.start(command(sample, lost, config, "--mirror", s3_uri)).end()
    assert "resuming at iteration 6" in messages
    assert_same_run(whole, lost)


def test_training_does_not_wait_for_a_bucket_that_is_away(
    sample: Path, tmp_path: Path, s3_uri: str, gate: TcpGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror_module, "_FIRST_PAUSE_S", 0.1)
    monkeypatch.setattr(mirror_module, "_LONGEST_PAUSE_S", 0.2)
    bucket = open_storage(s3_uri)
    assert bucket.list() == []
    gate.shut()

    def come_back() -> None:
        path = tmp_path / "metrics.jsonl"
        while not path.exists() or len(path.read_text().splitlines()) < 6:
            time.sleep(0.02)
        gate.open()  # only when training is over

    # The run looks for states in the bucket first: the gate shuts behind it.
    gate.open()
    honest = mirror_module.Mirror.put

    def put(self: mirror_module.Mirror, path: Path, keep: int = 0) -> None:
        if not gate.refused:
            gate.shut()
        honest(self, path, keep)

    monkeypatch.setattr(mirror_module.Mirror, "put", put)
    threading.Thread(target=come_back, daemon=True).start()
    train(sample, tmp_path, recipe(checkpoint_every=1), Surroundings(mirror=s3_uri))
    gate.open()
    assert gate.refused > 0
    assert [key.partition("-")[0] for key in bucket.list()][-1] == "00000006"


def test_a_bucket_that_does_not_come_back_is_an_error_at_the_end_and_nothing_is_lost(
    sample: Path, tmp_path: Path, s3_uri: str, gate: TcpGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror_module, "_FIRST_PAUSE_S", 0.1)
    monkeypatch.setattr(saver_module, "_UPLOAD_AT_END_S", 1.0)
    monkeypatch.setattr(mirror_module.Mirror, "fetch_newest", lambda self, folder: None)
    monkeypatch.setattr(mirror_module.Mirror, "fetch", lambda self, name, path: gate.shut())  # behind the last look
    begin = time.monotonic()
    with pytest.raises(StorageError, match="Not uploaded: 00000006-") as caught:
        train(sample, tmp_path / "run", recipe(), Surroundings(mirror=s3_uri))
    assert time.monotonic() - begin < 30
    assert "the same command, here, goes on and uploads them" in caught.value.fix
    monkeypatch.undo()


def test_training_whose_images_are_in_a_bucket_waits_for_it(
    sample: Path, tmp_path: Path, s3_uri: str, gate: TcpGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sparseinst.data.loading.image_files import POINTER
    from sparseinst.training.trouble import feed as feed_module

    monkeypatch.setenv("SPARSEINST_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(feed_module, "_FIRST_PAUSE_S", 0.2)
    bucket = open_storage(s3_uri)
    bucket.copy_in(sample / "images", "images")
    data = Path(shutil.copytree(sample, tmp_path / "data"))
    shutil.rmtree(data / "images")
    (data / POINTER).write_text(json.dumps({"at": f"{s3_uri}/images"}))
    gate.shut()
    threading.Timer(4.0, gate.open).start()
    train(data, tmp_path / "run", recipe())
    told = [json.loads(line)["event"] for line in (tmp_path / "run" / "events.jsonl").read_text().splitlines()]
    assert "storage_away" in told
    train(sample, tmp_path / "whole", recipe())
    here, there = ((tmp_path / name / "metrics.jsonl").read_bytes() for name in ("whole", "run"))
    assert here == there

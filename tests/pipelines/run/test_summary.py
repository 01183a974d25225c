import json

import pytest

from pipelines.run.record import State, StepRecord
from pipelines.run.summary import summary


def _step(step, **facts):
    return StepRecord(step, State.SUCCEEDED, 1.0, 0, facts=facts)


@pytest.fixture
def ingested(tmp_path):
    (tmp_path / "annotations").mkdir()
    content = {
        "images": [{"id": 1, "file_name": "val/a.jpg"}, {"id": 2, "file_name": "val/b.jpg"}],
        "annotations": [{"image_id": 2}],
    }
    (tmp_path / "annotations" / "val.json").write_text(json.dumps(content))
    return _step("ingest", location=str(tmp_path))


def test_a_served_model_is_told_with_its_score_its_address_and_the_command_to_try_it(ingested, tmp_path):
    steps = [
        ingested,
        _step("evaluate", AP=0.6123, AP50=0.8, pictures=str(tmp_path / "overlays.jpg")),
        _step("gate", decision="pass", reasons=[]),
        _step("deploy", name="shapes", version=3, url="127.0.0.1:8001"),
    ]
    text = "\n".join(summary(steps, tmp_path))
    assert "0.612" in text
    assert "overlays.jpg" in text
    assert "grpc://127.0.0.1:8001/shapes  version 3" in text
    assert f"predict {tmp_path}/images/val/b.jpg --model grpc://127.0.0.1:8001/shapes" in text


def test_a_refused_model_is_told_why_and_that_nothing_was_deployed(ingested, tmp_path):
    steps = [
        ingested,
        _step("evaluate", AP=None, AP50=None, pictures="x"),
        _step("gate", decision="fail", reasons=["AP is undefined: no object in the validation images"]),
        StepRecord("deploy", State.SKIPPED),
    ]
    text = "\n".join(summary(steps, tmp_path))
    assert "undefined" in text
    assert "fail: AP is undefined: no object in the validation images. Nothing was deployed" in text
    assert "try next" not in text


def test_a_run_whose_first_step_failed_still_says_where_its_files_are(tmp_path):
    steps = [StepRecord("ingest", State.FAILED, exit_code=3), StepRecord("evaluate")]
    (line,) = summary(steps, tmp_path)
    assert str(tmp_path) in line

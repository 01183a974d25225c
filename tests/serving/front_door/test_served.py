"""Through a real Triton: the answer of the front door is that of the model, for any picture that anybody may send."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from PIL import Image

from sparseinst.errors import ConfigError
from sparseinst.evaluation.predict import predict
from sparseinst.evaluation.predictors.predictor import Predictor, open_predictor
from sparseinst.evaluation.selection import Selection
from sparseinst.export.contract import fingerprint
from sparseinst.serving import stack
from sparseinst.serving.connection import Connection
from tests.serving import tiny
from tests.serving.front_door.door import ask, ask_packed, drawn, encoded
from tests.serving.front_door.hostile import REFUSED, TAKEN

OUTPUTS = ("scores", "classes", "boxes", "rles", "size")
PHOTO = encoded(drawn(90, 130), "JPEG", quality=95)


@pytest.fixture(scope="module")
def direct(environment: stack.StackState, front: str, name: str) -> Iterator[Predictor]:
    """The same model, asked without a front door."""
    with open_predictor(f"grpc://{environment.triton_url}/{name}") as predictor:
        yield predictor


def sideways() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(drawn(60, 100), "JPEG", exif=exif)


PICTURES = {
    "JPEG": PHOTO,
    "odd": encoded(drawn(37, 211)),
    "tall": encoded(drawn(333, 64)),
    "large": encoded(drawn(900, 1300), "JPEG"),
    "grey": encoded(drawn(70, 50).convert("L")),
    "turned": sideways(),
    "16 bits": encoded(Image.fromarray(np.arange(4800, dtype=np.uint16).reshape(60, 80) * 13)),
    "CMYK": encoded(drawn(64, 64).convert("CMYK"), "JPEG"),
    "WebP": encoded(drawn(64, 65), "WEBP"),
}


@pytest.mark.parametrize("kind", PICTURES)
def test_the_answer_is_what_predict_says(
    connection: Connection, front: str, direct: Predictor, kind: str, tmp_path: Path
):
    answer = ask(connection, front, PICTURES[kind])
    expected = _predicted(direct, PICTURES[kind], tmp_path, min_score=0.3)
    assert len(answer["annotations"]) == 2
    assert answer["annotations"] == expected["annotations"]
    assert answer["categories"] == expected["categories"]
    (image,) = expected["images"]
    assert answer["images"] == [{"id": 1, "width": image["width"], "height": image["height"]}]


def test_options_say_which_objects_and_how(connection: Connection, front: str, direct: Predictor, tmp_path: Path):
    everything = ask(connection, front, PHOTO, min_score=0)["annotations"]
    assert everything == _predicted(direct, PHOTO, tmp_path)["annotations"]
    assert ask(connection, front, PHOTO, most=1)["annotations"] == everything[:1]
    assert ask(connection, front, PHOTO, min_score=1.0)["annotations"] == []
    outlines = ask(connection, front, PHOTO, polygons=True)["annotations"]
    assert outlines == _predicted(direct, PHOTO, tmp_path, min_score=0.3, polygons=True)["annotations"]


def test_the_answer_says_which_model_gave_it_and_what_it_cost(connection: Connection, front: str, name: str):
    answer = ask(connection, front, PHOTO)
    mark = fingerprint(tiny.METADATA).hex()
    assert answer["model"] == {"name": name, "fingerprint": mark, "checkpoint_sha256": "0" * 64}
    timing = answer["timing_ms"]
    assert set(timing) == {"decode", "resize", "model", "masks", "total"}
    assert 0 < timing["model"] <= timing["total"]


def test_packed_outputs_say_the_same_as_the_json(connection: Connection, front: str):
    annotations = ask(connection, front, PHOTO)["annotations"]
    packed = ask_packed(connection, front, PHOTO, OUTPUTS)
    assert packed["size"].tolist() == [90, 130]
    assert packed["scores"].tolist() == [entry["score"] for entry in annotations]
    assert packed["classes"].tolist() == [entry["category_id"] for entry in annotations]
    assert packed["boxes"].tolist() == [entry["bbox"] for entry in annotations]
    counts = packed["rles"].tobytes().decode("ascii").split("\n")
    assert counts == [entry["segmentation"]["counts"] for entry in annotations]


def test_no_objects_are_empty_arrays(connection: Connection, front: str):
    packed = ask_packed(connection, front, PHOTO, OUTPUTS, min_score=1.0)
    shapes = {name: array.shape for name, array in packed.items()}
    assert shapes == {"scores": (0,), "classes": (0,), "boxes": (0, 4), "rles": (0,), "size": (2,)}


@pytest.mark.parametrize("what", REFUSED)
def test_after_a_hostile_file_the_next_picture_is_served(connection: Connection, front: str, what: str):
    content, reason = REFUSED[what]
    for _ in range(2):  # both processes
        with pytest.raises(ConfigError) as caught:
            ask(connection, front, content)
        assert reason in str(caught.value)
        assert "Traceback" not in str(caught.value)
    for _ in range(2):
        assert len(ask(connection, front, PHOTO)["annotations"]) == 2


@pytest.mark.parametrize("what", TAKEN)
def test_unusual_pictures_are_answered_in_their_own_size(connection: Connection, front: str, what: str):
    content, (height, width) = TAKEN[what]
    answer = ask(connection, front, content, min_score=0)
    assert answer["images"] == [{"id": 1, "width": width, "height": height}]
    assert {tuple(entry["segmentation"]["size"]) for entry in answer["annotations"]} == {(height, width)}


@pytest.mark.parametrize(
    ("options", "reason"),
    [({"minscore": 0.5}, "Did you mean 'min_score'"), ({"min_score": 2.0}, "0 to 1"), ({"most": 0}, "1 or more")],
)
def test_a_wrong_option_is_told(connection: Connection, front: str, options: dict[str, Any], reason: str):
    with pytest.raises(ConfigError, match=reason):
        ask(connection, front, PHOTO, **options)


def test_many_clients_at_once_get_their_own_answers(environment: stack.StackState, front: str):
    pictures = [encoded(drawn(40 + seed, 60, seed)) for seed in range(12)]

    def answers(picture: bytes) -> list[dict[str, Any]]:
        with Connection(environment.triton_url, timeout_s=60) as connection:
            found: list[dict[str, Any]] = ask(connection, front, picture)["annotations"]
            return found

    alone = [answers(picture) for picture in pictures]
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(answers, pictures)) == alone


def test_one_line_of_http_is_enough(environment: stack.StackState, connection: Connection, front: str):
    reply = requests.post(
        f"http://127.0.0.1:{environment.ports['http']}/v2/models/{front}/infer",
        data=PHOTO,
        headers={"Inference-Header-Content-Length": "0"},
        timeout=60,
    )
    assert reply.status_code == 200
    start = int(reply.headers["Inference-Header-Content-Length"])
    answer, expected = requests.models.complexjson.loads(reply.content[start:]), ask(connection, front, PHOTO)
    assert answer | {"timing_ms": 0} == expected | {"timing_ms": 0}


def _predicted(model: Predictor, content: bytes, folder: Path, *, polygons: bool = False, **selection: float) -> Any:
    path = folder / "picture"
    path.write_bytes(content)
    return predict(model, [path], Selection(**selection), polygons=polygons).coco

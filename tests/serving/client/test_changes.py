"""A rollout changes the model under a client: no answer may meet the categories of another model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sparseinst.data.categories import Category
from sparseinst.errors import EvaluationError, StackError
from sparseinst.evaluation.predict import predict
from sparseinst.evaluation.predictors.triton import TritonPredictor
from sparseinst.evaluation.selection import Selection
from sparseinst.export.contract import fingerprint
from sparseinst.imaging.write import write_image
from sparseinst.serving.client import TritonClient
from tests.serving import tiny
from tests.serving.client.conftest import NEXT
from tests.serving.client.pictures import pictures
from tests.serving.client.servers import OwnTriton

IMAGE = pictures(1, 90, 130)[0]


class Moved(TritonClient):
    """Asks another model from now on, as if a rollout had put that one in the place of its own."""

    def move(self, model: str) -> None:
        self._model = model


@pytest.fixture
def moved(server: OwnTriton, published: str) -> Iterator[Moved]:
    with Moved(server.url, published) as client:
        yield client


def names(categories: list[Category]) -> list[str]:
    return [category.name for category in categories]


def test_an_answer_of_another_model_comes_with_that_models_categories(server: OwnTriton):
    name = server.publish("changing")
    with TritonClient(server.url, name) as client:
        before = client.predict(IMAGE)
        server.publish(name, metadata=NEXT)
        after = client.predict(IMAGE)
        assert names(client.categories) == ["light", "shade"] and client.metadata == NEXT
    assert names(before.categories) == ["bright", "dark"] and names(after.categories) == ["light", "shade"]
    assert [result["category_id"] for result in before.results(1)] == [1, 5]
    assert [result["category_id"] for result in after.results(1)] == [2, 3]
    assert after.model.fingerprint == fingerprint(NEXT) != before.model.fingerprint == fingerprint(tiny.METADATA)


def test_the_other_model_is_shown_the_image_at_its_own_size_and_decoded_by_its_own_threshold(
    moved: Moved, server: OwnTriton, published: str, other: str
):
    with TritonClient(server.url, other) as client:
        expected = client.predict(IMAGE)
    moved.predict(IMAGE)
    moved.move(other)
    found = moved.predict(IMAGE)
    assert (found.masks == expected.masks).all() and (found.scores == expected.scores).all()
    moved.move(published)  # taken back: known already
    assert moved.predict(IMAGE).categories[0].name == "bright" and moved.metadata == tiny.METADATA


def test_an_evaluation_does_not_mix_two_models(server: OwnTriton, published: str, other: str):
    with TritonPredictor(f"grpc://{server.url}/{published}") as predictor:
        assert len(predictor.predict([IMAGE])) == 1
        predictor._client._model = other
        with pytest.raises(EvaluationError, match="Another model was put into service"):
            predictor.predict([IMAGE])


def test_predictions_of_two_models_keep_each_its_own_categories(
    server: OwnTriton, published: str, other: str, tmp_path: Path
):
    write_image(tmp_path / "a.png", IMAGE)
    with TritonPredictor(f"grpc://{server.url}/{published}") as predictor:
        predictor._client._model = other
        coco = predict(predictor, [tmp_path / "a.png"], Selection()).coco
        assert {entry["category_id"] for entry in coco["annotations"]} == {2, 3}
        assert {category["name"] for category in coco["categories"]} == {"bright", "dark", "light", "shade"}
        predictor.categories = [Category(2, "cat")]
        with pytest.raises(EvaluationError, match="whose categories are others") as mixed:
            predict(predictor, [tmp_path / "a.png"], Selection())
    assert "'light'" in mixed.value.where and "'cat'" in mixed.value.where


def test_an_answer_whose_model_nobody_describes_is_not_believed(served: TritonClient, monkeypatch: pytest.MonkeyPatch):
    infer = TritonClient.infer

    def estranged(self: TritonClient, *arguments: Any, **options: Any) -> Any:
        reply = infer(self, *arguments, **options)
        return {**reply, "fingerprint": reply["fingerprint"] ^ 1}

    monkeypatch.setattr(TritonClient, "infer", estranged)
    with pytest.raises(StackError, match="a name that its description does not have"):
        served.predict(IMAGE)

"""The way of a request without Triton: who answers, what is counted, and that nobody else's failure is the client's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from sparseinst.errors import ConfigError, DatasetError, StackError
from sparseinst.export.front_door import ANSWER, CANARY
from sparseinst.serving.front_door.door import Door
from sparseinst.serving.front_door.routing import KnownModel, Routing
from tests.serving.front_door.door import drawn, encoded
from tests.serving.front_door.models import METADATA, OTHER, Halves, Metrics, Server

PICTURE = encoded(drawn(50, 80))
MARK, OTHER_MARK = (KnownModel.of(metadata).fingerprint.hex() for metadata in (METADATA, OTHER))
REQUESTS = "sparseinst_requests_total"


@contextmanager
def opened(server: Server, metrics: Metrics, log: list[str] | None = None, **canary: Any) -> Iterator[Door]:
    routes = {"model": "m", "known": [METADATA], "canary": None}
    if canary:
        routes["canary"] = {"model": "m_candidate", "metadata": OTHER, "shadow": False} | canary
    with Door(Routing.parse(json.dumps(routes)), server, metrics, (log if log is not None else []).append) as door:
        yield door


def answer(door: Door, content: bytes = PICTURE, parameters: str = "{}") -> dict[str, Any]:
    content_of: dict[str, Any] = json.loads(door.answer(content, parameters, {ANSWER.name})[ANSWER.name].tobytes())
    return content_of


def test_the_answer_is_a_coco_object_best_first():
    with opened(Server(m=Halves()), Metrics()) as door:
        found = answer(door)
    assert found["images"] == [{"id": 1, "width": 80, "height": 50}]
    assert [entry["category_id"] for entry in found["annotations"]] == [8, 3]
    assert [entry["bbox"] for entry in found["annotations"]] == [[40, 0, 40, 50], [0, 0, 40, 50]]
    assert found["categories"] == METADATA["categories"]
    assert found["model"] == {"name": "m", "fingerprint": MARK, "checkpoint_sha256": "a" * 64}
    assert list(found["timing_ms"]) == ["decode", "resize", "model", "masks", "total"]


def test_only_the_arrays_that_were_asked_for_come_back():
    with opened(Server(m=Halves()), Metrics()) as door:
        packed = door.answer(PICTURE, "{}", {"classes", "size"})
    assert {name: array.tolist() for name, array in packed.items()} == {"classes": [8, 3], "size": [50, 80]}


def test_what_is_found_is_counted_whatever_the_client_asked_for():
    metrics = Metrics()
    with opened(Server(m=Halves()), metrics) as door:
        answer(door)
        answer(door, parameters='{"min_score": 0.5}')
    assert metrics.value(REQUESTS, arm="service", outcome="ok", fingerprint=MARK, model="m") == 2
    assert metrics.value("sparseinst_objects_total", arm="service") == 3
    assert metrics.value("sparseinst_scores_total", bin="18") == metrics.value("sparseinst_scores_total", bin="8") == 2
    assert metrics.value("sparseinst_scores_total") == 4
    assert metrics.value("sparseinst_classes_total", category="8") == 2
    assert metrics.value("sparseinst_classes_total", category="3") == 2
    # Halves of 2000 pixels: the one that was not asked for is measured on the mask grid.
    assert metrics.value("sparseinst_areas_total", bin="11") == 4
    for part in ("decode", "resize", "model", "masks"):
        assert metrics.value("sparseinst_seconds_total", part=part) > 0


def test_counters_are_there_at_0_before_the_first_request():
    metrics = Metrics()
    with opened(Server(), metrics, share=0.5):
        pass
    names = {name for name, _ in metrics.values}
    assert names == {
        f"sparseinst_{what}_total" for what in ("requests", "seconds", "objects", "scores", "classes", "areas")
    }
    assert set(metrics.values.values()) == {0}
    assert {dict(labels)["fingerprint"] for _, labels in metrics.values} == {"", MARK, OTHER_MARK}


@pytest.mark.parametrize(
    ("content", "parameters", "error"), [(b"", "{}", DatasetError), (PICTURE, '{"x": 1}', ConfigError)]
)
def test_a_wrong_request_is_the_clients_and_no_model_is_asked(content: bytes, parameters: str, error: type[Exception]):
    server, metrics = Server(m=Halves()), Metrics()
    with opened(server, metrics) as door, pytest.raises(error):
        answer(door, content, parameters)
    assert server.asked == []
    assert metrics.value(REQUESTS, arm="service", outcome="client_error", fingerprint="") == 1


def test_who_asks_whether_the_front_door_lives_is_refused_and_not_counted():
    metrics = Metrics()
    with opened(Server(), metrics) as door, pytest.raises(DatasetError):
        answer(door, CANARY)
    assert metrics.value(REQUESTS) == 0


def test_a_model_that_does_not_answer_is_a_failure():
    metrics: Metrics = Metrics()
    log: list[str] = []
    with opened(Server(), metrics, log) as door, pytest.raises(StackError, match="does not answer"):
        answer(door)
    assert metrics.value(REQUESTS, arm="service", outcome="failed") == 1
    assert log and "service" in log[0]


def test_a_candidate_answers_its_share():
    server, metrics = Server(m=Halves(), m_candidate=Halves(OTHER)), Metrics()
    with opened(server, metrics, share=0.2) as door:
        names = [answer(door)["model"]["name"] for _ in range(50)]
    assert names.count("m_candidate") == 10
    assert metrics.value(REQUESTS, arm="canary", outcome="ok", fingerprint=OTHER_MARK, model="m") == 10
    assert metrics.value(REQUESTS, arm="service", outcome="ok", fingerprint=MARK) == 40


class Broken(Halves):
    """Answers with arrays that fit nothing."""

    def reply(self, image):
        return super().reply(image) | {"masks": np.zeros((1, 1, 1, 1), np.uint8)}


@pytest.mark.parametrize("candidate", [None, Halves(METADATA), Broken(OTHER)], ids=["away", "unknown", "broken"])
def test_whatever_is_wrong_with_a_candidate_the_model_in_service_answers(candidate: Halves | None):
    server = Server(m=Halves(), **({} if candidate is None else {"m_candidate": candidate}))
    metrics, log = Metrics(), []
    with opened(server, metrics, log, share=1.0) as door:
        names = {answer(door)["model"]["name"] for _ in range(3)}
    assert names == {"m"}
    assert metrics.value(REQUESTS, arm="canary", outcome="failed") == 3
    assert metrics.value(REQUESTS, arm="service", outcome="ok") == 3
    assert len(log) == 3 and all(line.startswith("canary: ") for line in log)


def test_a_shadow_is_asked_and_compared_but_never_answers():
    server, metrics = Server(m=Halves(), m_candidate=Halves(OTHER, scores=(0.1, 0, 0.92))), Metrics()
    with opened(server, metrics, share=1.0, shadow=True) as door:
        assert answer(door)["model"]["name"] == "m"
    assert server.asked == ["m", "m_candidate"]
    assert metrics.value(REQUESTS, arm="shadow", outcome="ok", fingerprint=OTHER_MARK) == 1
    counts = [
        metrics.value("sparseinst_agreement_total", kind=kind, fingerprint=OTHER_MARK)
        for kind in ("same", "missed", "added")
    ]
    assert counts == [1, 1, 0]


def test_a_shadow_that_fails_is_counted_and_harms_nobody():
    metrics = Metrics()
    with opened(Server(m=Halves()), metrics, share=1.0, shadow=True) as door:
        assert answer(door)["annotations"]
    assert metrics.value(REQUESTS, arm="shadow", outcome="failed") == 1


def test_a_slow_shadow_misses_pictures_and_holds_nobody_up():
    from threading import Event

    go_on = Event()

    class Slow(Halves):
        def reply(self, image):
            assert go_on.wait(60)
            return super().reply(image)

    server, metrics = Server(m=Halves(), m_candidate=Slow(OTHER)), Metrics()
    with opened(server, metrics, share=1.0, shadow=True) as door:
        for _ in range(9):
            answer(door)
        go_on.set()
    assert metrics.value(REQUESTS, arm="service", outcome="ok") == 9
    assert 1 <= metrics.value(REQUESTS, arm="shadow", outcome="ok") <= 2

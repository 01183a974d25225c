"""Which model is asked."""

from __future__ import annotations

import json

import pytest

from sparseinst.serving.front_door.routing import Routing, Share


@pytest.mark.parametrize("share", [0.0, 0.01, 0.1, 1 / 3, 0.5, 0.9, 1.0])
def test_a_candidate_gets_its_share_of_any_run_of_requests(share: float):
    taken = _taken(share, 1000)
    for begin in range(0, 1000, 100):
        assert abs(sum(taken[begin : begin + 100]) - 100 * share) <= 3
    assert abs(sum(taken) - 1000 * share) <= 3


def test_the_same_requests_are_taken_every_time():
    assert _taken(0.2, 50) == _taken(0.2, 50)


def test_no_camera_of_ten_in_turn_gets_all_of_the_candidate():
    taken = _taken(0.1, 1000)
    assert all(5 <= sum(taken[camera::10]) <= 15 for camera in range(10))


def test_the_configuration_says_who_is_known_and_who_is_on_trial():
    from tests.serving.front_door.models import METADATA, OTHER

    routes = {"model": "shapes", "known": [METADATA, OTHER], "canary": None}
    routing = Routing.parse(json.dumps(routes))
    assert (routing.service.name, len(routing.service.known), routing.candidate) == ("shapes", 2, None)
    canary = {"model": "shapes_candidate", "metadata": OTHER, "share": 0.25, "shadow": True}
    routing = Routing.parse(json.dumps(routes | {"canary": canary}))
    assert routing.candidate is not None
    assert routing.candidate.addressed.name == "shapes_candidate"
    assert routing.candidate.addressed.known[0].checkpoint == "b" * 64
    assert routing.candidate.shadow


def _taken(share: float, requests: int) -> list[bool]:
    candidate = Share(share)
    return [candidate.takes() for _ in range(requests)]

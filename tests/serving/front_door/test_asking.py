"""A picture is sent as the answering model wants it, and no unknown model is believed."""

from __future__ import annotations

import numpy as np
import pytest

from sparseinst.errors import StackError
from sparseinst.serving.front_door.asking import Asker
from sparseinst.serving.front_door.routing import Addressed, KnownModel
from tests.serving.front_door.models import METADATA, OTHER, Halves, Server

PICTURE = np.zeros((120, 200, 3), np.uint8)


def test_a_picture_is_resized_by_the_models_own_rule():
    model = Halves()
    reply = _asker(Server(m=model)).ask(PICTURE)
    assert model.seen == [(58, 96)] and reply.sent == (58, 96)
    assert reply.model.checkpoint == "a" * 64


def test_after_a_switch_it_is_resized_and_asked_again_once_and_from_then_on_right_away():
    new = Halves(OTHER)
    server = Server(m=new)
    asker = _asker(server)
    reply = asker.ask(PICTURE)
    assert new.seen == [(58, 96), (32, 53)] and reply.sent == (32, 53)
    assert reply.model.checkpoint == "b" * 64
    asker.ask(PICTURE)
    assert new.seen[2:] == [(32, 53)]


def test_models_that_take_turns_are_not_asked_for_ever():
    server = Server(m=Halves())
    models = [Halves(OTHER), Halves(METADATA), Halves(OTHER)]

    def infer(name, image, outputs):
        server.models["m"] = models.pop(0)
        return server(name, image, outputs)

    with pytest.raises(StackError, match="is just being exchanged"):
        Asker(Addressed("m", [KnownModel.of(METADATA), KnownModel.of(OTHER)]), infer).ask(PICTURE)
    assert len(server.asked) == 2


def test_an_unknown_model_is_named_with_those_that_are_known():
    stranger = METADATA | {"checkpoint_sha256": "c" * 64}
    with pytest.raises(StackError) as caught:
        _asker(Server(m=Halves(stranger))).ask(PICTURE)
    assert KnownModel.of(stranger).fingerprint.hex() in caught.value.problem
    assert KnownModel.of(OTHER).fingerprint.hex() in caught.value.problem
    assert "front door" in caught.value.fix


def _asker(server: Server) -> Asker:
    return Asker(Addressed("m", [KnownModel.of(METADATA), KnownModel.of(OTHER)]), server)

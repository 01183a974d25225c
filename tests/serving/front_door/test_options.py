"""The parameters of a request."""

from __future__ import annotations

import json

import pytest

from sparseinst.errors import ConfigError
from sparseinst.serving.front_door.options import Options


def test_nothing_asked_for_gives_the_defaults():
    assert Options.parse("{}") == Options(min_score=0.3, most=100, polygons=False)


def test_what_is_asked_for_is_taken():
    asked = json.dumps({"min_score": 0, "most": 7, "polygons": True})
    assert Options.parse(asked) == Options(min_score=0.0, most=7, polygons=True)


def test_what_triton_adds_is_left_alone():
    assert Options.parse('{"triton_enable_empty_final_response": true}') == Options()


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ('{"minscore": 0.5}', "Did you mean 'min_score'"),
        ('{"min_score": 1.5}', "from 0 to 1"),
        ('{"min_score": -0.1}', "from 0 to 1"),
        ('{"min_score": NaN}', "from 0 to 1"),
        ('{"min_score": "much"}', "a number"),
        ('{"min_score": true}', "a number"),
        ('{"most": 0}', "1 or more"),
        ('{"most": 2.5}', "a whole number"),
        ('{"most": 1e400}', "a whole number"),
        ('{"polygons": 1}', "true or false"),
        ('{"min_score": nan}', "plain numbers"),
    ],
)
def test_what_cannot_be_is_refused_with_a_fix(asked: str, reason: str):
    with pytest.raises(ConfigError) as caught:
        Options.parse(asked)
    assert reason in caught.value.fix

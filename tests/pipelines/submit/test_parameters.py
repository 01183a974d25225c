import pytest

from pipelines.submit.parameters import checked, defaults
from sparseinst.errors import ConfigError


def test_texts_become_what_the_parameter_is(compiled):
    given = {"seed": "3", "min_ap": "0.25", "overrides": "[a.b=1]", "gate_policy": "{max_regression: 0.1}", "config": 7}
    assert checked(given, compiled) == {
        "seed": 3,
        "min_ap": 0.25,
        "overrides": ["a.b=1"],
        "gate_policy": {"max_regression": 0.1},
        "config": "7",
    }


def test_a_whole_number_stays_one(compiled):
    assert isinstance(checked({"seed": 3.0}, compiled)["seed"], int)
    assert isinstance(defaults(compiled)["seed"], int)


@pytest.mark.parametrize(
    ("name", "value"),
    [("seed", "2.5"), ("seed", "many"), ("seed", True), ("min_ap", "high"), ("overrides", "3"), ("gate_policy", "[1]")],
)
def test_what_cannot_be_of_the_type_is_refused_with_the_parameters_name(compiled, name, value):
    with pytest.raises(ConfigError) as refused:
        checked({name: value}, compiled)
    assert name in refused.value.where


def test_an_unknown_name_gets_the_one_that_was_probably_meant(compiled):
    with pytest.raises(ConfigError) as refused:
        checked({"workspce": "/x"}, compiled)
    assert "'workspace'" in refused.value.fix


def test_the_defaults_are_the_pipelines_with_the_presets_over_them(compiled):
    found = defaults(compiled)
    assert (found["source"], found["min_ap"], found["model_name"]) == ("coco2017", 0.3, "sparseinst")

import dataclasses

import pytest

from sparseinst.errors import ConfigError
from sparseinst.evaluation.gate.policy import Policy, load_policy, policy_from


def test_a_file_goes_over_the_defaults_and_the_command_line_over_the_file(tmp_path):
    file = tmp_path / "gate.yaml"
    file.write_text("min_ap: 0.5\nmax_regression: 1e-2\nwithin_noise: pass\n")
    policy = load_policy(file, ["max_regression=0.02", "latency=p50", "require_parity=true"], min_ap=0.6)
    assert policy == Policy(min_ap=0.6, max_regression=0.02, within_noise="pass", latency="p50", require_parity=True)
    assert policy_from(policy.to_dict()) == policy


def test_an_empty_file_and_no_file_are_the_defaults(tmp_path):
    (tmp_path / "gate.yaml").write_text("")
    assert load_policy(tmp_path / "gate.yaml") == load_policy(None) == Policy()


@pytest.mark.parametrize("value", [-0.1, 1.1, 50, float("nan")])
@pytest.mark.parametrize("name", ["min_ap", "max_regression", "max_class_regression", "max_slice_regression"])
def test_an_impossible_share_is_a_wrong_setting(name, value):
    with pytest.raises(ConfigError) as refused:
        Policy(**{name: value})
    assert refused.value.details[0].startswith(name)


def test_all_wrong_values_are_told_at_once():
    with pytest.raises(ConfigError) as refused:
        Policy(min_ap=7, max_latency_ms=-1)
    assert len(refused.value.details) == 2


@pytest.mark.parametrize(
    ("content", "overrides", "message"),
    [
        ("min_app: 0.5", [], "no setting 'min_app'"),
        ("within_noise: maybe", [], "'maybe'"),
        ("- 1", [], "mapping"),
        ("a: [", [], "YAML"),
        ("", ["min_ap"], "name=value"),
        ("", ["min_ap=[", "x=1"], "not a value"),
        ("", ["require_gain=1"], "'1'"),
    ],
)
def test_a_wrong_policy_is_refused_with_words(tmp_path, content, overrides, message):
    file = tmp_path / "gate.yaml"
    file.write_text(content)
    with pytest.raises(ConfigError, match=message):
        load_policy(file, overrides)


def test_a_policy_that_is_not_there_is_a_wrong_setting(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        load_policy(tmp_path / "absent.yaml")


def test_the_documentation_names_every_rule_with_its_default():
    from tests.conftest import ROOT

    text = (ROOT / "docs" / "gate.md").read_text()
    for field in dataclasses.fields(Policy):
        shown = str(field.default).lower() if isinstance(field.default, bool) else field.default
        assert (
            f"| `{field.name}` | {shown:g} |" if isinstance(shown, float) else f"| `{field.name}` | {shown} |" in text
        )

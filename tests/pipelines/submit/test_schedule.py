import dataclasses

import pytest

from pipelines.submit import schedule
from pipelines.submit.schedule import Rhythm, rhythm_of
from pipelines.submit.version import ensure_version
from sparseinst.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "rhythm"),
    [
        ("24h", Rhythm(interval_s=86400)),
        ("90m", Rhythm(interval_s=5400)),
        ("7d", Rhythm(interval_s=604800)),
        ("0 3 * * 1", Rhythm(cron="0 0 3 * * 1")),
        ("30 0 3 ? * MON-FRI", Rhythm(cron="30 0 3 ? * MON-FRI")),
    ],
)
def test_a_time_is_an_interval_or_a_cron_expression_with_or_without_seconds(text, rhythm):
    assert rhythm_of(text) == rhythm


@pytest.mark.parametrize("text", ["", "daily", "0h", "3 * * *", "* * * * * * *", "0 3 * * $"])
def test_what_says_no_time_is_refused_with_examples(text):
    with pytest.raises(ConfigError) as refused:
        rhythm_of(text)
    assert "24h" in refused.value.fix


@pytest.fixture
def create(kubeflow, file, order):
    version = ensure_version(kubeflow, file, "gpu8", "")
    return lambda name, text: schedule.create(kubeflow, version, dataclasses.replace(order, name=name), rhythm_of(text))


def test_a_schedule_runs_one_at_a_time_and_makes_up_for_nothing(api, create):
    create("nightly", "24h")
    (made,) = api.runs.recurring.values()
    assert (made["max_concurrency"], made["no_catchup"], made["mode"]) == ("1", True, "ENABLE")
    assert made["trigger"]["periodic_schedule"]["interval_second"] == "86400"
    assert made["runtime_config"]["parameters"] == {"seed": 3}
    assert made["service_account"] == "sparseinst-steps"
    assert made["pipeline_version_reference"]["pipeline_version_id"] == "version-1"


def test_schedules_are_listed_with_their_times(create, kubeflow):
    create("nightly", "24h")
    create("mondays", "0 3 * * 1")
    lines = schedule.lines_of(schedule.schedules(kubeflow))
    assert lines[0] == "  nightly  on   every 1d"
    assert lines[1].startswith("  mondays  on   at '0 0 3 * * 1' UTC")


def test_two_schedules_of_one_name_would_train_twice(create):
    create("nightly", "24h")
    with pytest.raises(ConfigError, match="nightly") as refused:
        create("nightly", "12h")
    assert "UNSCHEDULE" in refused.value.fix


def test_a_schedule_can_be_paused_resumed_and_removed(create, kubeflow):
    create("nightly", "24h")
    schedule.pause(kubeflow, "nightly")
    assert schedule.lines_of(schedule.schedules(kubeflow)) == ["  nightly  off  every 1d"]
    schedule.resume(kubeflow, "nightly")
    assert schedule.schedules(kubeflow)[0].enabled
    schedule.remove(kubeflow, "nightly")
    assert schedule.lines_of(schedule.schedules(kubeflow)) == ["no schedules"]


def test_an_unknown_name_gets_the_one_that_was_probably_meant(create, kubeflow):
    create("nightly", "24h")
    with pytest.raises(ConfigError) as refused:
        schedule.remove(kubeflow, "nightli")
    assert "'nightly'" in refused.value.fix


def test_a_schedule_is_found_behind_hundreds_of_others(api, create, kubeflow):
    create("nightly", "24h")
    first = next(iter(api.runs.recurring.values()))
    for number in range(150):
        api.runs.recurring[f"other-{number}"] = {
            **first,
            "recurring_run_id": f"other-{number}",
            "display_name": f"other-{number}",
            "created_at": "2020-01-01T00:00:00Z",
        }
    schedule.remove(kubeflow, "nightly")
    assert len(api.runs.recurring) == 150

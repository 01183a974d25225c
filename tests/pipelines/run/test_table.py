import pytest

from pipelines.run.record import State, StepRecord
from pipelines.run.table import duration, table


def test_the_table_says_of_each_step_what_became_of_it():
    lines = table(
        [
            StepRecord("ingest", State.SUCCEEDED, 2.34, 0),
            StepRecord("train", State.FAILED, 131.0, 3, "Bad data.\n  where: x"),
            StepRecord("evaluate"),
            StepRecord("deploy", State.SKIPPED),
        ]
    )
    assert lines == [
        "  ✓ ingest           2.3 s  succeeded",
        "  ✗ train       2 min 11 s  failed (exit 3): Bad data.",
        "  - evaluate                not run",
        "  - deploy                  skipped: gate refused",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0.0 s"), (59.94, "59.9 s"), (60, "1 min 0 s"), (3599.6, "60 min 0 s")]
)
def test_a_duration_is_told_in_seconds_then_in_minutes(seconds, text):
    assert duration(seconds) == text

import io

from pipelines.run.output import StepOutput

STREAM = """\
--------------------------------------------------------------------------------
    [KFP Executor 2026-11-23 15:12:02,824 INFO]: Looking for component `train`
    [KFP Executor 2026-11-23 15:12:02,825 INFO]: Got executor_input:
    {
        "inputs": {
            "parameterValues": {"a": 1}
        }
    }
    12:04:31 train    step 100/900
    error: There is no setting 'x'.
      where: --set
    [KFP Executor 2026-11-23 15:12:02,830 INFO]: Wrote executor output file.

15:12:03.452 - ERROR - Task 'train' finished with status FAILURE
"""


def _show(text, piece=7):
    screen, log = io.StringIO(), io.StringIO()
    stream = StepOutput(screen, log)
    for start in range(0, len(text), piece):
        stream.write(text[start : start + piece])
    return screen.getvalue(), log.getvalue()


def test_of_a_step_one_sees_its_own_lines_only():
    screen, _ = _show(STREAM)
    assert screen == "12:04:31 train    step 100/900\nerror: There is no setting 'x'.\n  where: --set\n"


def test_the_log_has_every_line():
    _, log = _show(STREAM)
    assert log.count("\n") == STREAM.count("\n")
    assert '"parameterValues": {"a": 1}' in log

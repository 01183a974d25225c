"""The command as people type it: exit codes, what is on stdout and on stderr, and what reaches Kubeflow."""

import json
import os
import signal
import subprocess
import sys
import threading

import pytest

from tests.conftest import ROOT
from tests.pipelines.submit.kfp_api.server import Accident
from tests.pipelines.submit.kfp_api.workflow import Fate


def test_a_run_from_start_to_end(api, submit):
    done = submit("--host", api.host, "--preset", "gpu8", "--data", "s3://data/mine", "--seed", "3", "--min-ap", "0.2")
    assert done.code == 0
    run = api.runs.runs["run-1"]
    assert run["runtime_config"]["parameters"] == {
        "source": "s3://data/mine",
        "seed": 3,
        "min_ap": 0.2,
        "run_page": f"{api.host}/#/runs/details/{{run}}",
    }
    assert run["service_account"] == "sparseinst-steps"
    assert "7 of 7 steps succeeded" in done.out
    assert f"{api.host}/#/runs/details/run-1" in done.err
    assert "train    running" in done.err


def test_a_failed_run_ends_with_the_failed_steps_exit_code(api, submit):
    api.runs.fates = {"ingest": Fate("fail", attempts=3, exit_code=3, log="error: 12 annotations name no image.")}
    done = submit("--host", api.host, "--preset", "gpu8")
    assert done.code == 3
    assert "12 annotations name no image." in done.out


def test_a_refused_gate_ends_with_10(api, submit):
    api.runs.fates = {"gate": Fate("refuse")}
    assert submit("--host", api.host, "--preset", "gpu8").code == 10


def test_programs_get_json_on_stdout_and_people_their_lines_on_stderr(api, submit):
    done = submit("--host", api.host, "--preset", "gpu8", "--json")
    found = json.loads(done.out)
    assert (found["run_id"], found["state"], found["exit_code"]) == ("run-1", "SUCCEEDED", 0)
    assert "train    running" in done.err


def test_who_does_not_wait_gets_the_runs_id_and_how_to_look_again(api, submit):
    done = submit("--host", api.host, "--preset", "gpu8", "--no-wait")
    assert done.code == 0
    assert done.out.splitlines()[0] == "run-1"
    assert "FOLLOW=run-1" in done.out
    assert not api.sent("GET", "/runs/run-1")


def test_a_run_that_was_started_before_is_followed_by_its_id_alone(api, submit):
    submit("--host", api.host, "--preset", "gpu8", "--no-wait")
    done = submit("--host", api.host, "--follow", "run-1")
    assert done.code == 0
    assert "7 of 7 steps succeeded" in done.out


def test_an_unknown_run_is_told(api, submit):
    done = submit("--host", api.host, "--follow", "run-9")
    assert done.code == 12
    assert "error: Kubeflow does not have it" in done.err and "run-9" in done.err


def test_a_run_is_ended_by_its_id(api, submit):
    submit("--host", api.host, "--preset", "gpu8", "--no-wait")
    assert submit("--host", api.host, "--terminate", "run-1").code == 0
    assert len(api.sent("POST", "/runs/run-1:terminate")) == 1
    done = submit("--host", api.host, "--follow", "run-1")
    assert done.code == 143
    assert "canceled" in done.out


def test_without_the_cache_another_version_is_uploaded(api, submit):
    submit("--host", api.host, "--preset", "gpu8", "--no-wait")
    submit("--host", api.host, "--preset", "gpu8", "--no-wait", "--no-caching")
    versions = [run["pipeline_version_reference"]["pipeline_version_id"] for run in api.runs.runs.values()]
    assert versions == ["version-1", "version-2"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--preset", "gpu9"), 2, "'gpu'"),
        ((), 2, "PRESET="),
        (("--preset", "gpu8", "--param", "workspce=/x"), 2, "'workspace'"),
        (("--preset", "gpu8", "--set", "train.iteratons=1"), 2, "iterations"),
        (("--preset", "gpu8", "--seed", "-1"), 2, "--seed"),
        (("--schedule", "sometimes", "--preset", "gpu8"), 2, "24h"),
        (("--preset", "gpu8", "--data", str(ROOT / "tests")), 3, "s3://"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_sent(api, submit, arguments, code, said):
    done = submit("--host", api.host, *arguments)
    assert done.code == code
    assert said in done.err
    assert done.out == ""
    assert not api.heard


def test_without_a_host_it_says_what_to_give(submit):
    done = submit("--preset", "gpu8")
    assert done.code == 2
    assert "KFP_HOST=" in done.err and "DRY_RUN=1" in done.err


def test_a_dry_run_needs_no_host_and_sends_nothing(api, submit):
    done = submit("--host", api.host, "--preset", "gpu8", "--dry-run", "--min-ap", "0.4")
    assert done.code == 0
    assert not api.heard
    assert "min_ap = 0.4   (given)" in done.out
    assert "seed = 0\n" in done.out
    words = " ".join(done.out.split())
    assert "train 1 64 400Gi 8 64Gi 6 120 h 25 h" in words
    assert "secret sparseinst-s3-deploy: deploy" in words
    assert "runs as sparseinst-steps (ServiceAccount)" in words
    assert "expected 681 USD at most 19,632 USD" in words
    assert submit("--preset", "gpu8", "--dry-run").code == 0


def test_a_dry_run_for_programs(submit):
    found = json.loads(submit("--preset", "spot", "--dry-run", "--json").out)
    (train,) = [step for step in found["steps"] if step["step"] == "train"]
    assert train["gpus"] == 1
    assert found["parameters"]["workspace"] == "s3://scratch/{run}"
    assert found["cost"]["expected"] == pytest.approx(sum(step["cost_expected"] for step in found["steps"]))


def test_schedules_from_the_command_line(api, submit):
    done = submit("--host", api.host, "--preset", "gpu8", "--schedule", "0 3 * * 1")
    assert done.code == 0
    assert "sparseinst-gpu8  on " in done.out
    assert "off" in submit("--host", api.host, "--pause", "sparseinst-gpu8").out
    assert json.loads(submit("--host", api.host, "--resume", "sparseinst-gpu8", "--json").out)[0]["enabled"]
    assert submit("--host", api.host, "--unschedule", "sparseinst-gpu8").out == "no schedules\n"
    assert submit("--host", api.host, "--schedules").out == "no schedules\n"


def _interrupt(arguments, api):
    """Starts the command in a process of its own, waits until it follows the run, and sends Ctrl-C."""
    looked = threading.Event()
    answer = api.answer

    def noticed(request):
        if request.path.endswith("/runs/run-1"):
            looked.set()
        return answer(request)

    api.answer = noticed
    command = [sys.executable, "-m", "pipelines.submit", "--host", api.host, "--preset", "gpu8", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, env={**os.environ}) as process:
        assert looked.wait(120)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    return process.returncode, err


def test_ctrl_c_leaves_the_run_alone_and_says_so(api):
    api.runs.fates = {"train": Fate("stay-running")}
    code, err = _interrupt([], api)
    assert code == 130
    assert "the run goes on" in err and "FOLLOW=run-1" in err and "TERMINATE=run-1" in err
    assert "Traceback" not in err
    assert not api.sent("POST", "/runs/run-1:terminate")


def test_ctrl_c_ends_the_run_for_who_wants_that(api):
    api.runs.fates = {"train": Fate("stay-running")}
    code, _ = _interrupt(["--terminate-on-interrupt"], api)
    assert code == 130
    assert len(api.sent("POST", "/runs/run-1:terminate")) == 1


def test_no_secret_is_ever_printed(start_api, submit, monkeypatch):
    api = start_api(token="t-very-secret")
    monkeypatch.setenv("KFP_TOKEN", "t-very-secret")
    done = submit("--host", api.host, "--preset", "gpu8")
    assert done.code == 0
    api.accidents.append(Accident("/healthz", times=9))
    failed = submit("--host", api.host, "--preset", "gpu8")
    assert failed.code == 12
    assert "very-secret" not in done.out + done.err + failed.out + failed.err


def test_help_answers_without_kfp():
    code = (
        "import sys; from pipelines.submit.__main__ import main; main(['--help']); "
        "sys.exit('kfp' in sys.modules or 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--dry-run" in done.stdout


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (
            ("KFP_HOST=https://kf", "PRESET=gpu8", "NAMESPACE=ml"),
            "submit --host https://kf --namespace ml --preset gpu8",
        ),
        (("DRY_RUN=1", "PRESET=spot", "SET=a.b=c d.e=f"), "submit --preset spot --dry-run --set a.b=c --set d.e=f"),
        (("KFP_HOST=https://kf", "SCHEDULE=0 3 * * 1"), "submit --host https://kf --schedule 0 3 * * 1"),
        (("KFP_HOST=https://kf", "FOLLOW=run-1"), "submit --host https://kf --follow run-1"),
        (("DATA=photos", "PRESET=gpu8"), "run --data photos"),
    ],
    ids=["run", "dry run", "schedule", "follow", "here"],
)
def test_make_hands_its_variables_on(variables, expected):
    command = ["make", "-n", "-o", "setup", "pipeline-run", *variables]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "KFP_"))}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, env=environment)
    assert " ".join(done.stdout.split()).replace("'", "").endswith(f"python -m pipelines.{expected}")

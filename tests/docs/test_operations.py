"""docs/operations.md is executed: every command, in its order, in one shell, on a copy of the tree.

What needs no cluster really runs, `make pipeline-run` against a server that speaks Kubeflow's REST interface. kubectl
is the real one as far as it goes without a cluster, and then a cluster on paper (tests/docs/paper_cluster.py). docker
and aws are noted: that their lines are right is not shown here (make test-docker shows docker's).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.pipelines.submit.kfp_api.server import KfpApi

PAGE = ROOT / "docs" / "operations.md"
BLOCKS = re.findall(r"^```bash\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
COPIED = (
    "components",
    "deploy",
    "pipelines",
    "sparseinst",
    "Makefile",
    "pyproject.toml",
    "requirements.lock",
    "Dockerfile",
)
ON_PAPER = ("kubectl", "docker", "aws")

# An editor that fills in what is empty, as a person would.
EDITOR = r"""#!/bin/bash
sed -i 's/^\(AWS_ACCESS_KEY_ID\|AWS_SECRET_ACCESS_KEY\)=$/\1=filled-in/' "$@"
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the commands use, with this environment, in which kubectl and others are on paper."""
    tree = tmp_path_factory.mktemp("tree")
    for name in COPIED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tree / name)
    environment, bin = Path(sys.executable).parents[1], tree / ".venv" / "bin"
    bin.mkdir(parents=True)
    shutil.copy(environment / "pyvenv.cfg", tree / ".venv")
    (tree / ".venv" / "lib").symlink_to(environment / "lib")
    for command in (environment / "bin").iterdir():
        if command.name not in ON_PAPER:
            (bin / command.name).symlink_to(command)
    for name in ON_PAPER:
        _script(bin / name, f'#!/bin/bash\nexec {sys.executable} {ROOT}/tests/docs/paper_cluster.py {name} "$@"\n')
    _script(bin / "editor", EDITOR)
    return tree


def _script(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture(scope="module")
def followed(tree: Path) -> tuple[list[int], str, KfpApi]:
    """The exit code of each block, all that was printed, and the Kubeflow that was spoken to."""
    api = KfpApi(multi_user=True, namespaces=("vision",), token="token-on-paper", below="/pipeline")
    text = "\n".join(_followed(number, block) for number, block in enumerate(BLOCKS))
    script = f"""
        trap 'failed=$?' ERR
        make() {{ command make STAMP=.venv/pyvenv.cfg POLL=0 "$@"; }}
        {text.replace("https://kubeflow.example/pipeline", api.host)}
    """
    path = f"{tree}/.venv/bin:{os.environ['PATH']}"
    home = {"HOME": str(tree), "EDITOR": "editor", "PAPER": str(tree), "PATH": path, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tree,
        env=home,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=300,
    )
    api.close()
    codes = json.loads(f"[{(tree / 'codes').read_text().rstrip(',')}]")
    return codes, f"{done.stdout}\n{done.stderr}", api


def _followed(number: int, block: str) -> str:
    """A block in the same shell as all the others; the code of its last command that failed is noted."""
    return f"echo '== block {number}'; failed=0\n{block}\necho -n \"$failed,\" >> codes\n"


def test_every_command_of_the_page_can_be_followed(followed: tuple[list[int], str, KfpApi]) -> None:
    codes, printed, _ = followed
    assert codes == [0] * len(BLOCKS), printed


def test_what_the_page_makes_is_what_the_steps_and_the_server_need(
    followed: tuple[list[int], str, KfpApi], tree: Path
) -> None:
    made = json.loads((tree / "objects.json").read_text())
    assert {entry["namespace"] for name, entry in made.items()} <= {"vision"}
    for name in (
        *(f"secret/sparseinst-{secret}" for secret in ("s3-steps", "s3-deploy", "s3-triton", "triton-key", "webhook")),
        "serviceaccount/sparseinst-steps",
        "persistentvolumeclaim/sparseinst-workspace",
        "trainingruntime/sparseinst-torch",
        "deployment/sparseinst-triton",
        "service/sparseinst-triton-control",
    ):
        assert name in made
    (container,) = made["deployment/sparseinst-triton"]["object"]["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "registry.example/vision/sparseinst-triton:0.2.0", "the upgrade came last"
    key = made["secret/sparseinst-triton-key"]["object"]["data"]["SPARSEINST_TRITON_KEY"]
    assert len(key) > 40


def test_the_runs_of_the_page_reached_kubeflow_as_they_were_meant(followed: tuple[list[int], str, KfpApi]) -> None:
    _, _, api = followed
    runs = list(api.runs.runs.values())
    assert [run["service_account"] for run in runs] == ["sparseinst-steps"] * len(runs)
    assert len(runs) == 3


def test_every_tool_was_called_that_the_page_speaks_of(followed: tuple[list[int], str, KfpApi], tree: Path) -> None:
    called = [json.loads(line) for line in (tree / "lines.jsonl").read_text().splitlines()]
    assert {line[0] for line in called} == set(ON_PAPER)
    built = [line for line in called if line[:2] == ["docker", "build"]]
    assert {line[line.index("--target") + 1] for line in built} == {"components", "training", "triton"}


def _pod(*command: str) -> str:
    return json.dumps({"spec": {"containers": [{"name": "x", "command": ["sparseinst", *command]}]}})


def test_a_line_that_no_cluster_would_take_is_found(tree: Path, tmp_path: Path) -> None:
    def paper(*line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(tree / ".venv/bin/kubectl"), *line],
            env={**os.environ, "PAPER": str(tmp_path)},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )

    for line, word in (
        (["apply", "-k", "deploy/nowhere"], "nowhere"),
        (["rollout", "status", "deployment/absent"], "not found"),
        (["get", "pods", "--namespaze", "x"], "unknown flag"),
        (["rollout", "forward", "deployment/x"], "unknown command"),
        (["run", "x", "--image=y", f"--overrides={_pod('rollback', 'sparseinst')}"], "unexpected extra argument"),
    ):
        done = paper(*line)
        assert done.returncode != 0, line
        assert word in done.stderr
    assert paper("get", "pods", "-n", "vision").returncode == 0

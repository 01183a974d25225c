"""The commands of docs/runs.md are run against the test's Kubeflow, and must print what the page shows."""

import os
import re
import shlex
import subprocess
from dataclasses import dataclass, field

import pytest

from tests.conftest import ROOT
from tests.pipelines.submit.kfp_api.workflow import Fate

PAGE = ROOT / "docs" / "runs.md"
REWRITE = "SPARSEINST_WRITE_DOCS"
HOST = "https://kubeflow.example.com/pipeline"
_TRAINING_LOG = """12:04:31 train    step 40 of 270 000  loss 2.41 (class 0.62, dice 0.88, pixel 0.71, objectness 0.20)
error: The loss is not a number.
  where: step 41
  fix:   A smaller learning rate: SET=train.lr=1e-5"""
FATES = {
    "everything succeeds": {},
    "the training fails": {"train": Fate("fail", attempts=6, exit_code=4, log=_TRAINING_LOG)},
    "the gate refuses": {"gate": Fate("refuse")},
}
# What differs from run to run: times, and names with a hash, a time or random digits in them.
_VARYING = (
    (r"\d\d:\d\d:\d\d", "TIME"),
    (r"gpu8-[0-9a-f]{12}(-[0-9a-f]{7})?", "VERSION"),
    (r"sparseinst-gpu8-\d{8}-\d{6}-[0-9a-f]{4}", "RUN"),
    (r"-impl-\d+", "-impl-HASH"),
)


@dataclass
class Block:
    """A block of commands, each with the lines that the page shows below it."""

    story: str
    commands: list = field(default_factory=list)


def blocks():
    found = []
    for story, text in re.findall(r"(?:<!-- (.+?) -->\n)?```console\n(.*?)```", PAGE.read_text(), re.DOTALL):
        found.append(Block(story))
        for line in text.splitlines():
            if line.startswith("$ "):
                found[-1].commands.append((line[2:], []))
            else:
                found[-1].commands[-1][1].append(line)
    return found


class Shell:
    """Runs what the page says, with the test's Kubeflow in the place of the example."""

    def __init__(self, api, submit, monkeypatch, token):
        self.api, self.submit, self.monkeypatch, self.token = api, submit, monkeypatch, token
        self.code = 0

    def run(self, command):
        """The lines that the command prints."""
        if command == "echo $?":
            return [str(self.code)]
        if command.startswith("export "):
            name, _, value = command.removeprefix("export ").partition("=")
            self.monkeypatch.setenv(
                name, value.replace(HOST, self.api.host).replace("~/.kubeflow-token", str(self.token))
            )
            return []
        assert command.startswith("make pipeline-run ")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
        make = ["make", "-n", "-o", "setup", *shlex.split(command)[1:]]
        said = subprocess.run(make, cwd=ROOT, capture_output=True, text=True, check=True, env=environment).stdout
        words = shlex.split(said.replace("\\\n", " "))
        done = self.submit(*words[words.index("pipelines.submit") + 1 :])
        self.code = done.code
        return (done.err + done.out).replace(self.api.host, HOST).splitlines()


def _show(command, shown, printed):
    old, new = ("\n".join([f"$ {command}", *lines]) for lines in (shown, printed))
    PAGE.write_text(PAGE.read_text().replace(f"{old}\n", f"{new}\n"))


def _alike(lines):
    text = "\n".join(lines)
    for pattern, word in _VARYING:
        text = re.sub(pattern, word, text)
    return text.strip().splitlines()


def test_the_page_tells_every_story_that_the_test_can_play():
    assert {block.story for block in blocks() if block.story} == set(FATES)


@pytest.mark.parametrize("number", range(len(blocks())))
def test_a_command_of_the_page_prints_what_the_page_shows(number, start_api, submit, monkeypatch, tmp_path):
    api = start_api(multi_user=True, namespaces=("ml",), token="t-1", below="/pipeline")
    (tmp_path / "token").write_text("t-1")
    shell = Shell(api, submit, monkeypatch, tmp_path / "token")
    monkeypatch.setenv("SPARSEINST_COMMIT", "b0c4813")
    first, block = blocks()[0], blocks()[number]
    for command, _ in first.commands:  # where, and as whom
        shell.run(command)
    api.runs.fates = FATES.get(block.story, {})
    for command, shown in block.commands:
        printed = shell.run(command)
        if os.environ.get(REWRITE):
            _show(command, shown, printed)
        else:
            assert _alike(printed) == _alike(shown), f"{command}: {REWRITE}=1 pytest {__file__} writes the page anew"

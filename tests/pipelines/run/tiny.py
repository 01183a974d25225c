"""Pipelines of tiny steps, to see what the runner makes of a step that ends in this way or that.

As a program it runs one of them: python -m tests.pipelines.run.tiny NAME FOLDER
"""

import sys
from pathlib import Path

from kfp import dsl

STEPS = ("ingest", "gate", "deploy")


@dsl.component(base_image="python", install_kfp_package=False)
def act(name: str, how: str, after: str = "") -> str:
    import os
    import subprocess
    import sys
    import time

    from sparseinst.errors import DatasetError
    from sparseinst.steps import step

    if how == "import":
        import no_such_module  # noqa: F401
    with step(name) as facts:
        print(f"{name} speaks")
        if how == "dataset-error":
            raise DatasetError("12 annotations name no image.", where="train.json", fix="Delete them.")
        if how == "exit-3":
            sys.exit(3)
        if how == "bug":
            raise ValueError("a bug")
        if how == "killed":
            os.kill(os.getpid(), 9)
        if how == "refuse":
            facts.update(decision="fail", reasons=["AP 0.1 is below 0.5"])
            return "fail"
        if how == "hang":
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"], start_new_session=True)
            facts["child"] = child.pid
            print(f"hanging {os.getpid()} {child.pid}", flush=True)
            time.sleep(300)
        facts.update(after=after, decision="pass")
    return "pass"


def pipeline_of(act, name):
    """Three such steps, the last one behind a gate; each parameter says how its step ends."""

    @dsl.pipeline(name=name)
    def three(ingest: str = "well", gate: str = "well", deploy: str = "well") -> None:
        data = act(name="ingest", how=ingest)
        verdict = act(name="gate", how=gate, after=data.output)
        with dsl.If(verdict.output == "pass"):
            act(name="deploy", how=deploy)

    return three


tiny = pipeline_of(act, "tiny")


def main() -> int:
    from pipelines.run.local import run_locally, steps_file
    from pipelines.run.signals import end_processes_of, interruptible

    how, folder = sys.argv[1], Path(sys.argv[2])
    with interruptible(lambda: end_processes_of(steps_file(folder))):
        outcome = run_locally(tiny, {"ingest": how}, STEPS, folder)
    print(*(f"{step.name}: {step.state}" for step in outcome.steps), sep="\n")
    return outcome.exit_code


if __name__ == "__main__":
    sys.exit(main())

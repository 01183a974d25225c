"""A pipeline of tiny steps in the real image, to see what the runner makes of a container that ends this way or that.

As a program it runs it: python -m tests.docker.endings HOW FOLDER
"""

import os
import sys
from pathlib import Path

from kfp import dsl

from tests.pipelines.run.tiny import STEPS, pipeline_of


@dsl.component(base_image=os.environ.get("SPARSEINST_IMAGE", "sparseinst-components"), install_kfp_package=False)
def act(name: str, how: str, after: str = "") -> str:
    import os
    import signal
    import sys
    import time
    from pathlib import Path

    from sparseinst.errors import Preempted
    from sparseinst.steps import step

    def preempt(*_: object) -> None:
        raise Preempted("stopped")

    if how == "exit-3-at-once":
        sys.exit(3)
    with step(name) as facts:
        print(f"{name} speaks: größer")
        if how == "exit-3":
            sys.exit(3)
        if how == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if how == "hang":
            signal.signal(signal.SIGTERM, preempt)
            print("hanging", flush=True)
            time.sleep(300)
        if how == "look":
            try:
                Path("/opt/mine").touch()
                refused = ""
            except OSError as error:
                refused = str(error)
            facts.update(user=os.getuid(), group=os.getgid(), refused=refused, environment=sorted(os.environ))
            facts.update(capabilities=int(Path("/proc/self/status").read_text().split("CapEff:")[1].split()[0], 16))
        facts.update(after=after, decision="pass")
    return "pass"


endings = pipeline_of(act, "endings")


def main() -> int:
    from pipelines.run.containers import Containers
    from pipelines.run.local import run_locally
    from pipelines.run.signals import interruptible

    how, folder = sys.argv[1], Path(sys.argv[2])
    runner = Containers(folder)
    with interruptible(runner.stop):
        outcome = run_locally(endings, {"ingest": how}, STEPS, folder, runner)
    for step in outcome.steps:
        print(f"{step.name}: {step.state}, exit code {step.exit_code}, {step.facts}")
    return outcome.exit_code


if __name__ == "__main__":
    sys.exit(main())

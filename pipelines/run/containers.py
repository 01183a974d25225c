"""Runs the steps in containers, as a cluster would: as a user without a name, and on a root that nobody can write to.

It is Kubeflow's own DockerRunner, but for one function: that takes a container which failed for one that succeeded when
the daemon is quick to remove it (kubeflow/pipelines#13332), and the next step would start.
"""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sparseinst.errors import StackError
from sparseinst.finish.webhook import WEBHOOK
from sparseinst.serving.key import KEY_VARIABLE
from sparseinst.steps import STEPS_FILE

_ANY_USER = "12345:0"  # in no list of users, and of root's group, as OpenShift gives them
_LABEL = "sparseinst.steps"
_GRACE_S = 15.0  # a training that is told to stop writes a checkpoint first

_MIRROR = "SPARSEINST_MIRROR"
# What a pod would get from secrets and its template. Nothing else of this process's environment goes in.
_PASSED_ON = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_EC2_METADATA_DISABLED",
    "OMP_NUM_THREADS",
    "OMP_WAIT_POLICY",
    "SPARSEINST_TRITON_URL",
    WEBHOOK,
    KEY_VARIABLE,
    STEPS_FILE,
    _MIRROR,
)


def require_images(pipeline: Any) -> None:
    """Checks, before anything starts, that the daemon answers and has the images of all steps.

    Raises:
        StackError: It does not, or one is missing.
    """
    import docker.errors

    executors = pipeline.pipeline_spec.deployment_spec["executors"]
    wanted = {executors[name]["container"]["image"] for name in executors}
    with docker_client() as client:
        for name in sorted(wanted):
            try:
                client.images.get(name)
            except docker.errors.ImageNotFound as error:
                raise StackError(
                    f"There is no image '{name}'.",
                    where="the Docker daemon of this machine",
                    fix="Build it (`make images`) or fetch it (`docker pull`), and say its name in SPARSEINST_IMAGE.",
                ) from error


@dataclass(slots=True)
class Containers:
    """The containers of a run.

    Attributes:
        folder: The folder of the run; in the containers it has the same path.
        read_only: Files and folders that the containers see as well, at their own paths.
        exit_code: That of the first container that failed; 0 before.
    """

    folder: Path
    read_only: Sequence[Path] = ()
    exit_code: int = field(default=0, init=False)

    def kfp_runner(self) -> Any:
        """What kfp.local.init takes. The containers get the environment of this moment."""
        from docker.types import Mount
        from kfp import local

        folder = self.folder.resolve()
        (folder / "kfp").mkdir(exist_ok=True)  # else the daemon makes it, and nobody may write there
        passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        seen = [*self.read_only, *_local_mirror(passed_on)]
        return local.DockerRunner(
            user=_user(),
            read_only=True,
            tmpfs={"/tmp": "mode=1777"},
            shm_size="1g",  # for the workers that load data; a container's default is 64 MB
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            network_mode="host",  # the local servers listen on 127.0.0.1
            mounts=[
                Mount(str(folder), str(folder), type="bind"),
                *(Mount(str(path.resolve()), str(path.resolve()), type="bind", read_only=True) for path in seen),
            ],
            environment=passed_on,
            labels={_LABEL: str(folder)},
        )

    @contextmanager
    def running(self) -> Iterator[None]:
        """While the pipeline runs: exit codes are honest, and the containers' user can write to the folder."""
        from kfp.local import docker_task_handler

        theirs, mask = docker_task_handler.run_docker_container, os.umask(0o002)
        docker_task_handler.run_docker_container = self._run
        self.folder.chmod(self.folder.stat().st_mode | 0o070)
        try:
            yield
        finally:
            docker_task_handler.run_docker_container = theirs
            os.umask(mask)

    def stop(self) -> None:
        """Tells every process in the run's containers to end, and after a while ends them."""
        import docker.errors
        from requests.exceptions import RequestException

        with suppress(StackError), docker_client() as client:  # without a daemon nothing runs any more
            found = client.containers.list(all=True, filters={"label": f"{_LABEL}={self.folder.resolve()}"})
            for container in found:
                # A signal to the container reaches only its first process, a shell that does not pass it on.
                with suppress(docker.errors.APIError):
                    container.exec_run(["sh", "-c", "kill -TERM -1"])
            for container in found:
                with suppress(docker.errors.APIError, RequestException):
                    container.wait(timeout=_GRACE_S)
                with suppress(docker.errors.APIError):
                    container.remove(force=True)

    def _run(self, client: Any, image: str, command: list[str], volumes: Mapping[str, Any], **options: Any) -> int:
        """In place of kfp's function of that name: one step, from start to end.

        Returns:
            The container's exit code: 137 if it was killed, by hand or because memory ran out.

        Raises:
            StackError: The daemon does not start the container.
        """
        import docker.errors

        try:
            container = client.containers.run(image, command, volumes=volumes, detach=True, **options)
        except docker.errors.DockerException as error:
            raise StackError(
                "A container does not start.", where=image, details=[_reason(error)], fix="See the daemon's log."
            ) from error
        try:
            for line in _lines(container.logs(stream=True)):
                print(line)
            code = int(container.wait()["StatusCode"])
        finally:
            with suppress(docker.errors.APIError):
                container.remove(force=True)
        self.exit_code = self.exit_code or code
        return code


@contextmanager
def docker_client() -> Iterator[Any]:
    """A client of the daemon that DOCKER_HOST names, or of this machine's.

    Raises:
        StackError: None answers.
    """
    try:
        import docker
        import docker.errors
    except ModuleNotFoundError as error:
        raise StackError("The package 'docker' is missing.", fix="Run `make setup`.") from error
    try:
        client = docker.from_env()  # it asks the daemon for its version
    except docker.errors.DockerException as error:
        raise StackError(
            "No Docker daemon answers.",
            where=os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock"),
            details=[_reason(error)],
            fix="Start Docker, see that you may use it (`docker info`), or run the steps without: leave out --runner.",
        ) from error
    try:
        yield client
    finally:
        client.close()


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0]


def _user() -> str:
    """What the steps write should belong to who started them; but no step runs as root."""
    return f"{os.getuid()}:{os.getgid()}" if os.getuid() else _ANY_USER


def _local_mirror(environment: Mapping[str, str]) -> list[Path]:
    mirror = Path(environment.get(_MIRROR, ""))
    return [mirror] if environment.get(_MIRROR) and mirror.is_dir() else []


def _lines(chunks: Iterator[bytes]) -> Iterator[str]:
    """The lines of a log, whose pieces may end anywhere, even within a character."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    rest = ""
    for chunk in chunks:
        *lines, rest = (rest + decoder.decode(chunk)).split("\n")
        yield from lines
    if rest:
        yield rest

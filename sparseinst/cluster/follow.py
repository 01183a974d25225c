"""Node 0's log, line by line on stderr while the training runs, whatever becomes of the connection."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator

from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from sparseinst.cluster.each_line_once import EachLineOnce
from sparseinst.cluster.refusal import is_away, refusal
from sparseinst.log import get_logger

log = get_logger("train_job")

_REMEMBERED = 40


class LogFollower:
    """A thread that reads the log of the pod it is told, from pod to pod.

    It asks again where a connection breaks, and never ends the training: a log that cannot be read is said once.

    Args:
        read: Opens a pod's log from a time on, see `TrainJobApi.follow`.
        write: Takes each line once.
        pause_s: Between two requests.
    """

    def __init__(
        self,
        read: Callable[[str, str | None], Iterator[str]],
        write: Callable[[str], None],
        namespace: str,
        pause_s: float = 1.0,
    ) -> None:
        self.tail: deque[str] = deque(maxlen=_REMEMBERED)  # the last lines, for a pod that is gone
        self._read, self._write, self._namespace, self._pause_s = read, write, namespace, pause_s
        self._target = ("", False)  # the pod, and whether it has ended: one value, for two threads
        self._whole = ""  # the pod whose log was read to its end
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="node-0-log", daemon=True)
        self._thread.start()

    def follow(self, pod: str, *, ended: bool) -> None:
        """Which pod is node 0 now, and whether its container has ended, so that its log is whole."""
        self._target = (pod, ended)

    def finish(self, limit_s: float) -> None:
        """Waits until the log of a pod that has ended is read to its end, but no longer; then reads no more."""
        end = time.monotonic() + limit_s
        pod, ended = self._target
        while pod and ended and self._whole != pod and time.monotonic() < end:
            time.sleep(0.02)
        self._closed.set()

    def _run(self) -> None:
        pod, once = "", EachLineOnce()
        while not self._closed.is_set():
            target, ended = self._target  # as it is before the question: a log is whole if its pod had ended by then
            if target != pod:  # each pod has its own log and its node's own clock
                pod, once = target, EachLineOnce()
            if pod and self._whole != pod and self._drain(pod, once) and ended:
                self._whole = pod
            self._closed.wait(self._pause_s)

    def _drain(self, pod: str, once: EachLineOnce) -> bool:
        """Reads until the stream ends. True where it ended by itself, or where there is nothing more to hope for."""
        try:
            for line in self._read(pod, once.reconnect()):
                if self._closed.is_set():
                    return False
                text = once.take(line)
                if text is not None:
                    self.tail.append(text)
                    self._write(text)
        except ApiException as error:
            return self._gave_up(pod, error)
        except HTTPError:
            return False
        return True

    def _gave_up(self, pod: str, error: ApiException) -> bool:
        """A container that only starts (400) and an API in trouble are asked again; other refusals are said once."""
        if error.status == 400 or is_away(error):
            return False
        if error.status == 404:  # the pod is gone, with its log
            return True
        log.warning("the log of %s cannot be read: %s", pod, refusal(error, "read a pod's log", self._namespace))
        self._whole = pod
        return True

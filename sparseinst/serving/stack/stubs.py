"""Triton's Python processes, one for each instance of a model: the local executors."""

from __future__ import annotations

import re

import psutil

from sparseinst.serving.stack.supervisor import ProcessId

_PROGRAM = "triton_python_backend_stub"


def stubs(server: ProcessId, model: str) -> list[psutil.Process]:
    """The processes that execute a model; also those of a version that is just going."""
    instance = re.compile(re.escape(model) + r"(_\d+){1,2}")
    found = []
    try:
        children = psutil.Process(server.pid).children()
    except psutil.Error:
        return []
    for child in children:
        try:
            command = child.cmdline()
        except psutil.Error:
            continue
        # Its last but one argument is <model>_<group>_<number>, or <model>_<number> where the config has no group.
        if command and command[0].endswith(_PROGRAM) and instance.fullmatch(command[-2]):
            found.append(child)
    return found


def is_running(stub: psutil.Process) -> bool:
    """Whether it could answer: it has neither died nor been stopped."""
    try:
        return stub.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD, psutil.STATUS_STOPPED)
    except psutil.Error:
        return False


def seconds_computed(server: ProcessId, model: str) -> float:
    """The processor time that a model's processes have used so far, in seconds."""
    total = 0.0
    for stub in stubs(server, model):
        try:
            times = stub.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system
    return total


def kill_stubs(server: ProcessId, model: str) -> None:
    """Ends a model's processes. What they were asked fails at once, and Triton can unload the model."""
    for stub in stubs(server, model):
        try:
            stub.kill()
        except psutil.Error:
            continue

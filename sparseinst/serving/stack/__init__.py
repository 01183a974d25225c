"""The local stack: a real S3 server and a real Triton server on 127.0.0.1, supervised by process id."""

from sparseinst.serving.stack.stack import down, up
from sparseinst.serving.stack.state import StackState, default_root, read_state
from sparseinst.serving.stack.status import StackStatus, status
from sparseinst.serving.stack.watch import watch

__all__ = ["StackState", "StackStatus", "default_root", "down", "read_state", "status", "up", "watch"]

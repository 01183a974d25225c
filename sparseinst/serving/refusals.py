"""Why a server did not answer: Triton's and gRPC's words as errors that say what to do.

Triton says UNAVAILABLE for a restricted protocol, a full queue and a timeout in the queue alike, and gRPC says it for a
server that is not there: the message tells them apart.
"""

from __future__ import annotations

from dataclasses import dataclass

from tritonclient.utils import InferenceServerException

from sparseinst.errors import ConfigError, SparseInstError, StackError
from sparseinst.serving import security
from sparseinst.serving.key import KEY_VARIABLE


class NoServer(StackError):
    """Nobody answers at the address: no connection could be made."""


class TlsFailed(StackError):
    """Somebody answers, but the two sides cannot agree on TLS."""


class DeadlinePassed(StackError):
    """The server did not answer in time. Whether it did the work is not known."""


class QueueFull(StackError):
    """The model has as many requests waiting as it may."""


class QueueTimeout(StackError):
    """The request waited in the model's queue for longer than the model allows."""


class SharedMemoryMisfit(ConfigError):
    """The server does not know the shared memory of a request (any more), or its answer is larger."""


class Restricted(ConfigError):
    """The server wants a key for this call."""


@dataclass(frozen=True, slots=True)
class Call:
    """What an error has to know of the call that failed."""

    url: str
    timeout_s: float
    has_key: bool
    is_tls: bool


def explain(error: InferenceServerException, call: Call) -> SparseInstError:
    """The error for what a server, or gRPC in its place, said."""
    status = (error.status() or "").removeprefix("StatusCode.")
    message = str(error.message()).partition("\n")[0].rstrip(" .;") + "."  # a backend's traceback may follow
    lower = message.lower()
    if status == "DEADLINE_EXCEEDED":
        return DeadlinePassed(
            f"Triton did not answer within {call.timeout_s:g} s.",
            where=call.url,
            fix="Look at its load and its log; give a longer deadline if the machine is slow.",
        )
    if "restricted" in lower and "header" in lower:
        return Restricted(
            f"Triton wants the {'right ' if call.has_key else ''}key for this: it is a restricted protocol.",
            where=call.url,
            fix=f"Set {KEY_VARIABLE} to the server's key; for the local stack it is in its stack.json.",
        )
    if "unable to find shared memory region" in lower or "shared memory size specified" in lower:
        return SharedMemoryMisfit(
            f"Triton cannot use the shared memory: {message}",
            where=call.url,
            fix="Register memory that is large enough.",
        )
    if "maximum queue size" in lower:
        return QueueFull(
            "The model's queue is full.",
            where=call.url,
            details=[message],
            fix="Send fewer requests at a time, or give the model more instances.",
        )
    if "timeout expired" in lower:
        return QueueTimeout(
            "The request waited too long in the model's queue.",
            where=call.url,
            details=[message],
            fix="Send fewer requests at a time, give the model more instances, or let its queue wait longer.",
        )
    if status == "UNAVAILABLE" and error.debug_details():
        unreachable = _unreachable(message, call)
        if unreachable is not None:
            return unreachable
    if status in ("UNAVAILABLE", "INTERNAL", "UNKNOWN", "CANCELLED"):
        return StackError(f"Triton failed: {message}", where=call.url, fix="See the server's log.")
    return ConfigError(f"Triton refuses: {message}", where=call.url, fix="Check the model's name and the input.")


def _unreachable(message: str, call: Call) -> StackError | None:
    lower = message.lower()
    is_unmade = "failed to connect" in lower or "resolving" in lower
    is_broken = any(words in lower for words in ("socket closed", "reset by peer", "broken pipe"))
    if is_unmade and ("handshake" in lower or "verification check" in lower or (call.is_tls and is_broken)):
        return _tls_failed(message, call)
    if is_unmade and not is_broken:
        return NoServer(
            "No Triton server answers there.",
            where=call.url,
            details=[message],
            fix="Check the address; for the local stack: `sparseinst stack status`, then `sparseinst stack up`.",
        )
    if is_broken:
        kind = NoServer if is_unmade else StackError
        return kind(
            "The server broke the connection.",
            where=call.url,
            details=[message],
            fix="See its log: it may have ended. If it wants TLS: write grpcs://host:port.",
        )
    return None


def _tls_failed(message: str, call: Call) -> TlsFailed:
    lower = message.lower()
    if "wrong_version_number" in lower:
        problem, fix = "The server does not speak TLS.", "Write grpc://host:port, or start it with TLS."
    elif "verify_failed" in lower:
        problem = "The server's certificate is signed by nobody that this client trusts."
        fix = f"Set {security.ROOTS_VARIABLE} to the file of the root certificate that signed it."
    elif "hostname" in lower:
        problem = "The server's certificate is for another name."
        fix = f"Use a name that stands in it, or set {security.SERVER_NAME_VARIABLE} to that name."
    else:
        problem = "The server and this client cannot agree on TLS."
        fix = (
            f"Check the certificates; where the server wants one of the client, set {security.CERTIFICATE_VARIABLE} "
            f"and {security.KEY_VARIABLE}."
        )
    return TlsFailed(problem, where=call.url, details=[message], fix=fix)

"""Which served model the page asks."""

from __future__ import annotations

from sparseinst.errors import ConfigError, SparseInstError
from sparseinst.export.contract import FRONT
from sparseinst.serving.address import parse_address
from sparseinst.serving.connection import Connection
from sparseinst.serving.demo.endpoint import Endpoint

_TIMEOUT_S = 20.0
_DEPLOY = "Deploy it again with this version of sparseinst: `sparseinst deploy --repository DIR`."


def named(address: str) -> Endpoint:
    """The endpoint at grpc://host:port/model.

    Raises:
        ConfigError: The address has another form, or there is no such model, or it has no front door.
        StackError: The server does not answer.
    """
    server, model, version = parse_address(address)
    if version:
        raise ConfigError(
            "The page shows the version in service, whichever that is.",
            where=address,
            fix=f"Leave the version out: {Endpoint(server, model).address}",
        )
    model = model.removesuffix(FRONT)
    with Connection(server, timeout_s=_TIMEOUT_S) as connection:
        if not connection.is_ready(model + FRONT):
            raise _no_front_door(connection, model)
    return Endpoint(server, model)


def only_one(server: str) -> Endpoint:
    """The only model with a front door that a server ("host:port") serves.

    Raises:
        ConfigError: There is none, or more than one.
        StackError: The server does not answer.
    """
    with Connection(server, timeout_s=_TIMEOUT_S) as connection:
        ready = {entry.name for entry in connection.models() if entry.state == "READY"}
    fronts = sorted(name.removesuffix(FRONT) for name in ready if name.endswith(FRONT))
    if len(fronts) == 1:
        return Endpoint(server, fronts[0])
    if fronts:
        raise ConfigError(
            f"Triton serves {len(fronts)} models.",
            where=server,
            details=[f"grpc://{server}/{name}" for name in fronts],
            fix="Name one of them with --model.",
        )
    if ready:
        raise ConfigError("No model there has a front door.", where=server, details=sorted(ready), fix=_DEPLOY)
    raise ConfigError("Triton serves no model.", where=server, fix="Deploy one first: `make pipeline-run` does.")


def _no_front_door(connection: Connection, model: str) -> SparseInstError:
    where = f"{connection.url}, model '{model}'"
    if connection.is_ready(model):
        return ConfigError("The model has no front door, which takes pictures.", where=where, fix=_DEPLOY)
    return ConfigError("Triton does not serve this model.", where=where, fix="Check its name; or deploy it first.")

"""What goes over the wire: JSON as grpc-gateway writes and reads it with Kubeflow's settings."""

from dataclasses import dataclass, field

import kfp_server_api

_STRUCTS = ("pipeline_spec", "parameters")  # free JSON, of which nothing is left out
_HTTP = {3: 400, 5: 404, 6: 409, 7: 403, 13: 500, 14: 503, 16: 401}
INVALID, NOT_FOUND, EXISTS, DENIED, INTERNAL, AWAY, UNKNOWN_USER = _HTTP


@dataclass
class Answer:
    status: int = 200
    body: object = None  # JSON, or a text
    headers: dict = field(default_factory=dict)


class Refusal(Exception):
    """An error as a gRPC method returns it."""

    def __init__(self, code, message):
        super().__init__(message)
        self.answer = Answer(_HTTP[code], {"code": code, "message": message, "details": []})


class UploadRefusal(Exception):
    """An error of the upload server, which is no gRPC method."""

    def __init__(self, status, message):
        super().__init__(message)
        self.answer = Answer(status, {"error_message": message, "error_details": message})


def parsed(body, model):
    """The body of a request, whose fields must be those of the model.

    Whole numbers of 64 bits may come as texts or as numbers, and go as texts.
    """
    if not isinstance(body, dict):
        raise Refusal(INVALID, "proto: syntax error (line 1:1): unexpected token")
    kind = getattr(kfp_server_api, model)
    values = {}
    for name, value in body.items():
        if name not in kind.attribute_map.values():
            raise Refusal(INVALID, f'proto: (line 1:{str(body).find(name)}): unknown field "{name}"')
        values[name] = _value(value, kind.openapi_types[name], name)
    return values


def _value(value, declared, name):
    if declared == "str":
        if not isinstance(value, (str, int)) or isinstance(value, bool):
            raise Refusal(INVALID, f"proto: (line 1:1): invalid value for string field {name}: {value}")
        return str(value)
    if declared == "bool" and not isinstance(value, bool):
        raise Refusal(INVALID, f"proto: (line 1:1): invalid value for bool field {name}: {value}")
    if hasattr(kfp_server_api, declared):
        kind = getattr(kfp_server_api, declared)
        if not kind.openapi_types:  # an enumeration
            if value not in {word for key, word in vars(kind).items() if key.isupper()}:
                raise Refusal(INVALID, f'proto: (line 1:1): invalid value for enum field {name}: "{value}"')
            return value
        return parsed(value, declared)
    return value


def told(value):
    """The answer without what is empty: EmitUnpopulated is off."""
    if isinstance(value, dict):
        kept = {name: each if name in _STRUCTS else told(each) for name, each in value.items()}
        return {name: each for name, each in kept.items() if each not in (None, "", [], {}, 0, False)}
    return [told(each) for each in value] if isinstance(value, list) else value

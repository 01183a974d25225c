"""Lists: pages with tokens, and filters by predicates."""

import base64
import json

from tests.pipelines.submit.kfp_api.wire import INVALID, Refusal

_MOST = 200
_OPERATIONS = {1: "EQUALS", 2: "NOT_EQUALS", 8: "IN", 9: "IS_SUBSTRING"}
_KEYS = {"display_name", "name", "created_at", "id", "namespace", "experiment_id", "state"}
_PREDICATE = {"operation", "key", "stringValue", "string_value", "stringValues", "string_values"}


def page(kind, things, query):
    """One page of a list, as `query` asks for it."""
    found = [thing for thing in things if _matches(thing, query.get("filter", ""))]
    column, _, direction = query.get("sort_by", "").partition(" ")
    if column and column not in _KEYS:
        raise Refusal(INVALID, f"Invalid sorting field: {column!r}")
    found.sort(key=lambda thing: str(thing.get(column or "created_at", "")), reverse=direction == "desc")
    size = int(query.get("page_size") or 20)
    if size < 0:
        raise Refusal(INVALID, f"The page size should be greater than 0. Got {size}")
    start = _start(query.get("page_token", ""), query)
    end = start + min(size, _MOST)
    token = _token(end, query) if end < len(found) else ""
    return {kind: found[start:end], "total_size": len(found), "next_page_token": token}


def _token(start, query):
    said = {"start": start, "filter": query.get("filter", ""), "sort_by": query.get("sort_by", "")}
    return base64.b64encode(json.dumps(said).encode()).decode()


def _start(token, query):
    if not token:
        return 0
    try:
        said = json.loads(base64.b64decode(token))
    except ValueError as error:
        raise Refusal(INVALID, "Invalid package token.") from error
    if any(said[key] != query.get(key, "") for key in ("filter", "sort_by")):
        raise Refusal(INVALID, "page token does not match the supplied sort by and/or filtering criteria")
    return said["start"]


def _matches(thing, text):
    if not text:
        return True
    try:
        predicates = json.loads(text)["predicates"]
    except (ValueError, KeyError) as error:
        raise Refusal(INVALID, f"failed to parse valid filter from {text!r}") from error
    return all(_holds(thing, predicate) for predicate in predicates)


def _holds(thing, predicate):
    if unknown := set(predicate) - _PREDICATE:
        raise Refusal(INVALID, f"failed to parse valid filter: unknown field {sorted(unknown)[0]!r}")
    operation = predicate["operation"]
    operation = _OPERATIONS.get(operation, operation)
    if predicate["key"] not in _KEYS:
        raise Refusal(INVALID, f"no support for filtering on unrecognized field {predicate['key']!r}")
    mine = str(thing.get(predicate["key"], "")).lower()
    value = predicate.get("stringValue", predicate.get("string_value"))
    if not isinstance(value, str):
        raise Refusal(INVALID, f"cannot use {operation} with {value!r}")
    if operation == "EQUALS":  # the database does not see the case of letters
        return mine == value.lower()
    if operation == "IS_SUBSTRING":
        return value.lower() in mine
    raise Refusal(INVALID, f"invalid predicate operation: {operation}")

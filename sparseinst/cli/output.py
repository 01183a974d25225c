"""What a command leaves on stdout: lines for people, or one JSON object for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click


def emit(result: Mapping[str, Any], as_json: bool, lines: Sequence[str]) -> None:
    """Prints `result` as one JSON object when `as_json`, else `lines`."""
    if as_json:
        click.echo(json.dumps(result, sort_keys=True, default=str))
    else:
        for line in lines:
            click.echo(line)

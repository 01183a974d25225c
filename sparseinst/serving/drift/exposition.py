"""Prometheus's text format, read and written.

Source:
    "Exposition formats", prometheus.io/docs/instrumenting/exposition_formats, text format version 0.0.4.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_LINE = re.compile(r"(?P<name>[a-zA-Z_:][\w:]*)\s*(\{(?P<labels>.*)\})?\s+(?P<value>\S+)(\s+-?\d+)?\s*")
_LABEL = re.compile(r'\s*(?P<name>[a-zA-Z_]\w*)\s*=\s*"(?P<value>(?:[^"\\]|\\.)*)"\s*,?')
_ESCAPES = {"\\": "\\\\", "\n": "\\n", '"': '\\"'}
_MEANT = {written: meant for meant, written in _ESCAPES.items()}


@dataclass(frozen=True, slots=True)
class Series:
    """One line's name and labels, the labels sorted by name."""

    name: str
    labels: tuple[tuple[str, str], ...]

    def label(self, name: str) -> str:
        """Its value; empty where there is no such label, as Prometheus has it."""
        return dict(self.labels).get(name, "")


def parse(text: str) -> Iterator[tuple[Series, float]]:
    """The samples of a scrape in their order; lines that are none are left out."""
    for line in text.splitlines():
        match = None if line.startswith("#") else _LINE.fullmatch(line)
        if match is None:
            continue
        found = _LABEL.finditer(match["labels"] or "")
        labels = {label["name"]: re.sub(r"\\.", _meant, label["value"]) for label in found}
        try:
            value = float(match["value"])
        except ValueError:
            continue
        yield Series(match["name"], tuple(sorted(labels.items()))), value


@dataclass(frozen=True, slots=True)
class Gauge:
    """A family of gauges: its name, what it means, and its samples by labels."""

    name: str
    help: str
    samples: Iterable[tuple[Mapping[str, str], float]]


def render(gauges: Iterable[Gauge]) -> str:
    """The text of a scrape. A family without samples is left out."""
    lines = []
    for gauge in gauges:
        samples = [f"{gauge.name}{_labels(labels)} {_value(value)}" for labels, value in gauge.samples]
        if samples:
            lines += [f"# HELP {gauge.name} {gauge.help}", f"# TYPE {gauge.name} gauge", *samples]
    return "".join(f"{line}\n" for line in lines)


def _labels(labels: Mapping[str, str]) -> str:
    written = [f'{name}="{"".join(_ESCAPES.get(sign, sign) for sign in value)}"' for name, value in labels.items()]
    return f"{{{','.join(written)}}}" if written else ""


def _value(value: float) -> str:
    return (
        repr(float(value))
        if math.isfinite(value)
        else "NaN"
        if math.isnan(value)
        else f"{value:+}".replace("inf", "Inf")
    )


def _meant(match: re.Match[str]) -> str:
    return _MEANT.get(match[0], match[0])

"""All findings in a file of detections: written one by one, kept as a few examples of each kind."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO

from sparseinst.data.checks.codes import CODES, Severity
from sparseinst.data.checks.findings import Finding
from sparseinst.files import atomic_path

FINDINGS = "findings.jsonl"

_EXAMPLES = 5
_MOST_KINDS = 20


class Gathered:
    """Millions of findings take no more memory than a hundred.

    Attributes:
        counts: How many findings there are, by code.
    """

    def __init__(self, name: str, lines: IO[str] | None) -> None:
        """`name` is what findings call the file; each finding becomes a line of `lines`."""
        self.counts = Counter[str]()
        self._examples: dict[str, list[Finding]] = {}
        self._name = name
        self._lines = lines

    def add(self, finding: Finding) -> None:
        self.counts[finding.code] += 1
        examples = self._examples.setdefault(finding.code, [])
        if len(examples) < _EXAMPLES:
            examples.append(finding)
        if self._lines:
            line = replace(finding, file=self._name).to_dict()
            self._lines.write(json.dumps(line, sort_keys=True) + "\n")

    def total(self, severity: Severity) -> int:
        return sum(count for code, count in self.counts.items() if CODES[code].severity == severity)

    def summary(self, severity: Severity) -> list[str]:
        """A line for each code: how often it was found, the first finding, and where the next ones are."""
        codes = [code for code in self._examples if CODES[code].severity == severity]
        lines = [self._line(code) for code in codes[:_MOST_KINDS]]
        return [*lines, f"... and {len(codes) - _MOST_KINDS} more kinds"] if len(codes) > _MOST_KINDS else lines

    def _line(self, code: str) -> str:
        first, *others = self._examples[code]
        count = self.counts[code]
        more = ""
        if others:
            more = f" Also at {', '.join(finding.pointer for finding in others)}"
            more += f" and {count - _EXAMPLES} more." if count > _EXAMPLES else "."
        return f"{code} x {count}: {first.pointer or '/'}  {first.problem}. Fix: {first.fix}.{more}"


@contextmanager
def gather(name: str, output: Path | None) -> Iterator[Gathered]:
    """Gives what findings are added to; when the block ends, all are in OUTPUT/findings.jsonl, if there is an output.

    An EvaluationError must be raised behind the block: one within leaves no file.
    """
    if output is None:
        yield Gathered(name, None)
        return
    with atomic_path(output / FINDINGS) as temporary, temporary.open("w", encoding="utf-8") as lines:
        yield Gathered(name, lines)
        lines.flush()

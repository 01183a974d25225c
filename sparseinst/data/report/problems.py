"""Findings as the report lists them: one group for each code, the gravest and the most frequent first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath

from sparseinst.data.checks.codes import CODES, SEVERITIES, Severity
from sparseinst.data.checks.findings import Finding, counts
from sparseinst.pages.words import counted, joined, shortened

_EXAMPLES = 20
_LONGEST_TEXT = 400


@dataclass(frozen=True, slots=True)
class Example:
    pointer: str
    file: str
    problem: str
    fix: str


@dataclass(frozen=True, slots=True)
class Group:
    """All findings of one code.

    Attributes:
        fix: What to do about all the examples; empty where they say different things.
    """

    code: str
    severity: Severity
    meaning: str
    count: int
    fix: str
    examples: tuple[Example, ...]


def grouped(findings: Sequence[Finding]) -> list[Group]:
    of_code: dict[str, list[Finding]] = {}
    for finding in findings:
        of_code.setdefault(finding.code, []).append(finding)
    groups = [_group(code, found) for code, found in of_code.items()]
    return sorted(groups, key=lambda group: (SEVERITIES.index(group.severity), -group.count, group.code))


def _group(code: str, found: Sequence[Finding]) -> Group:
    shown = found[:_EXAMPLES]
    fixes = {finding.fix for finding in shown}
    return Group(
        code=code,
        severity=CODES[code].severity,
        meaning=CODES[code].meaning,
        count=len(found),
        fix=_cut(shown[0].fix) if len(fixes) == 1 else "",
        examples=tuple(
            Example(_cut(f.pointer or "/"), _cut(_without_folders(f.file)), _cut(f.problem), _cut(f.fix)) for f in shown
        ),
    )


def verdict(findings: Sequence[Finding]) -> tuple[str, str]:
    """(severity or "good", sentence): whether training can start with this data."""
    found = counts(findings)
    errors, warnings, notes = (found[severity] for severity in SEVERITIES)
    if errors:
        return "error", f"{counted(errors, 'error keeps', 'errors keep')} training from starting."
    if warnings:
        return "warning", f"Training can start; {counted(warnings, 'warning is', 'warnings are')} worth a look."
    if notes:
        return "good", f"Ready for training, with {counted(notes, 'note')}."
    return "good", "Ready for training: every check passed."


def spelled(findings: Sequence[Finding]) -> str:
    """How many there are, as "2 errors, 1 warning and 5 notes"."""
    return joined([counted(count, severity) for severity, count in counts(findings).items() if count])


def _without_folders(file: str) -> str:
    """The file's name where its place is one machine's: a report is the same wherever it is made."""
    if PurePosixPath(file).is_absolute():
        return PurePosixPath(file).name
    return PureWindowsPath(file).name if PureWindowsPath(file).drive else file


def _cut(text: str) -> str:
    return shortened(text, _LONGEST_TEXT)

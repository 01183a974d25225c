"""What is wrong in a user's data: every finding has a code, a place, and a fix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_MOST_LISTED = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that must be mended before the data can be used.

    `problem` and `fix` are sentences without their full stop.

    Attributes:
        code: What kind of finding this is, e.g. "SEG-POLY-SHORT". Codes do not change.
        pointer: Where it is in the file, a JSON pointer (RFC 6901), e.g. "/annotations/12/segmentation/0".
    """

    code: str
    pointer: str
    problem: str
    fix: str

    def __str__(self) -> str:
        return f"{self.code:<14}  {self.pointer or '/'}  {self.problem}. Fix: {self.fix}."


def listed(findings: Sequence[Finding]) -> list[str]:
    """The first findings, a line each, and how many more there are: the details of an error."""
    lines = [str(finding) for finding in findings[:_MOST_LISTED]]
    more = len(findings) - len(lines)
    return [*lines, f"... and {more} more"] if more else lines

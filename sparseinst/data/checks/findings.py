"""What is wrong, or worth knowing, in a user's data: every finding has a code, a severity, a place and a fix."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sparseinst.data.checks.codes import CODES, SEVERITIES, Severity

_MOST_LISTED = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about the data. `problem` and `fix` are sentences without their full stop.

    Attributes:
        code: What kind of finding this is, e.g. "SEG-POLY-SHORT": a key of `sparseinst.data.checks.codes.CODES`.
        pointer: Where it is in the annotation file, a JSON pointer (RFC 6901), e.g. "/annotations/12/segmentation/0".
        file: The annotation file.
        image: The image file, where the finding is about what is in that.
    """

    code: str
    pointer: str
    problem: str
    fix: str
    file: str = ""
    image: str = ""

    @property
    def severity(self) -> Severity:
        return CODES[self.code].severity

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it: the attributes and the severity."""
        return {"severity": self.severity, **asdict(self)}

    def __str__(self) -> str:
        where = f"{self.file}#{self.pointer}" if self.file else self.pointer or "/"
        about = f"{self.image}: " if self.image and self.image not in self.problem else ""
        return f"{self.severity:<7}  {self.code:<14}  {where}  {about}{self.problem}. Fix: {self.fix}."


def blocking(findings: Iterable[Finding], strict: bool = False) -> list[Finding]:
    """The findings because of which training must not start: errors, and when `strict` warnings too."""
    refused = ("error", "warning") if strict else ("error",)
    return [finding for finding in findings if finding.severity in refused]


def counts(findings: Iterable[Finding]) -> dict[Severity, int]:
    """How many findings of each severity there are, the gravest first."""
    found = Counter(finding.severity for finding in findings)
    return {severity: found[severity] for severity in SEVERITIES}


def listed(findings: Sequence[Finding]) -> list[str]:
    """The first findings, a line each, and how many more there are: the details of an error."""
    lines = [str(finding) for finding in findings[:_MOST_LISTED]]
    more = len(findings) - len(lines)
    return [*lines, f"... and {more} more"] if more else lines

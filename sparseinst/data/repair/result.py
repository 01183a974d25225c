"""What a repair gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparseinst.data.checks.codes import Severity
from sparseinst.data.checks.file import Checked
from sparseinst.data.checks.findings import Finding, blocking, counts


@dataclass(frozen=True, slots=True)
class RepairResult:
    """What a repair has done; after a dry run, what it would do.

    Attributes:
        file: The new file.
        diff: A JSON object a line for each change: `sparseinst.data.repair.edits.Change`.
        changes: How many there are, by the code of the finding.
        entries: How many entries the lists of the old file have, by the list's name.
        found: How many findings of each severity the old file has.
        after: What is found in the new file.
        manifest: None after a dry run.
    """

    file: Path
    diff: Path
    changes: Mapping[str, int]
    entries: Mapping[str, int]
    found: Mapping[Severity, int]
    after: Checked
    manifest: Mapping[str, Any] | None = None

    @property
    def errors(self) -> list[Finding]:
        """What needs a person before training can start."""
        return blocking(self.after.findings)

    def summary(self) -> str:
        """In a line: how many changes of which kind, and what is left."""
        kinds = ", ".join(f"{code} {count}" for code, count in self.changes.items())
        return f"{self.total()}{f' ({kinds})' if kinds else ''}; left: {self.left()}"

    def total(self) -> str:
        """E.g. "12 changes"."""
        total = sum(self.changes.values())
        return f"{total} {'change' if total == 1 else 'changes'}"

    def left(self) -> str:
        """E.g. "0 errors, 2 warnings, 10 notes"."""
        return ", ".join(f"{count} {severity}s" for severity, count in counts(self.after.findings).items())

"""Every error this project raises on purpose, and the exit code it ends a command with.

    SparseInstError            1
      ConfigError              2   the user wrote a wrong setting or a wrong command line
      DatasetError             3   the annotations or images are wrong
      TrainingError            4   training cannot start or go on
      EvaluationError          5   a model or its detections cannot be evaluated
      ExportError              6   the model cannot be exported, or the export answers differently
      StackError               7   a local server does not start, or is not there
      DeployError              8   the new version was not put into service; the old one still serves
      StorageError             9   a directory or bucket cannot be read or written
      GateRefused             10   not a bug: the candidate did not earn its place
      LineageError            11   something in the chain from data to service was changed, or is missing
      ClusterError            12   Kubeflow cannot be reached, or refuses what it was asked
      Preempted               75   stopped from outside; the same command goes on from the checkpoint

Anything else that reaches a user is a bug in this project.
"""

from __future__ import annotations

from collections.abc import Sequence


class SparseInstError(Exception):
    """An error with a problem, a place and a fix, written for the person who has to mend it."""

    exit_code = 1

    def __init__(self, problem: str, *, where: str = "", fix: str = "", details: Sequence[str] = ()) -> None:
        super().__init__(problem)
        self.problem = problem
        self.where = where
        self.fix = fix
        self.details = tuple(details)

    def __str__(self) -> str:
        lines = [self.problem]
        lines += [f"  where: {self.where}"] if self.where else []
        lines += [f"    - {detail}" for detail in self.details]
        lines += [f"  fix:   {self.fix}"] if self.fix else []
        return "\n".join(lines)


class ConfigError(SparseInstError):
    exit_code = 2


class DatasetError(SparseInstError):
    exit_code = 3


class TrainingError(SparseInstError):
    exit_code = 4


class EvaluationError(SparseInstError):
    exit_code = 5


class ExportError(SparseInstError):
    exit_code = 6


class StackError(SparseInstError):
    exit_code = 7


class DeployError(SparseInstError):
    exit_code = 8


class StorageError(SparseInstError):
    exit_code = 9


class GateRefused(SparseInstError):
    exit_code = 10


class LineageError(SparseInstError):
    exit_code = 11


class ClusterError(SparseInstError):
    exit_code = 12


class Preempted(SparseInstError):
    exit_code = 75

"""What one sees of a running step: its own lines, without those of the machinery that carries them."""

from __future__ import annotations

import io
import re
from typing import TextIO

_INDENT = " " * 4  # kfp puts it before every line of a step
_MACHINERY = re.compile(r"\[KFP Executor [^]]* INFO\]: ")
_JSON_FOLLOWS = re.compile(r"Got executor_input:$")
_VERDICT = re.compile(r"\d\d:\d\d:\d\d\.\d{3} - ERROR - Task .* finished with status")  # the table says it better
_RULE = re.compile(r"-{20,}$")


class StepOutput(io.TextIOBase):
    """A text stream for kfp to print to: everything goes to `log`, the steps' own lines also to `screen`."""

    def __init__(self, screen: TextIO, log: TextIO) -> None:
        self._screen = screen
        self._log = log
        self._rest = ""
        self._inside_json = False

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._line(line.removeprefix(_INDENT))
        return len(text)

    def flush(self) -> None:
        self._screen.flush()
        self._log.flush()

    def _line(self, line: str) -> None:
        # Not print(): kfp replaces it by one that writes an indent to stdout, which is this stream.
        self._log.write(f"{line}\n")
        if not self._is_machinery(line):
            self._screen.write(f"{line}\n")
            self._screen.flush()

    def _is_machinery(self, line: str) -> bool:
        if self._inside_json:
            self._inside_json = line != "}"
            return True
        if _MACHINERY.match(line):
            self._inside_json = bool(_JSON_FOLLOWS.search(line))
            return True
        return not line.strip() or bool(_RULE.match(line) or _VERDICT.match(line))

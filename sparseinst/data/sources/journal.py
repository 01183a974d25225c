"""What an archive held when it was whole: from this note a later attempt knows what is still to be taken out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from sparseinst.data.sources.members import Listing, Member
from sparseinst.files import write_text


@dataclass(frozen=True, slots=True)
class Journal:
    """The archive's kind ("zip", "tar", "tar.gz", …), what it holds, and for a user's own file its size and time."""

    kind: str
    listing: Listing
    stamp: Sequence[int] = ()

    def write(self, path: Path) -> None:
        content = {
            "kind": self.kind,
            "stamp": self.stamp,
            "members": [astuple(member) for member in self.listing.members],
            "links": self.listing.links,
            "skipped": self.listing.skipped,
        }
        write_text(path, json.dumps(content, separators=(",", ":")))


def read_journal(path: Path) -> Journal | None:
    """None where there is none, or one of another version of this program."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        members = [Member(*fields) for fields in content["members"]]
        return Journal(content["kind"], Listing(members, content["links"], content["skipped"]), content["stamp"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def stamp_of(path: Path) -> list[int]:
    """What tells versions of a local file apart: its size in bytes and its time in nanoseconds."""
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]

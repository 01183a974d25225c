"""What lies in an archive: which of its files are wanted, and everything for which it is refused as a whole."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from sparseinst.data.sources.layout import is_other_table
from sparseinst.errors import DatasetError
from sparseinst.storage.base import is_hidden

IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif"}

# Images hardly shrink in an archive and annotations to about a tenth; 200 times is far from both. Deflate's own
# limit is 1032 times (zlib's technical notes). Below 1 GB unpacked nobody is harmed, whatever the ratio.
MOST_TIMES_LARGER = 200
HARMLESS_BYTES = 1 << 30
_MOST_MEMBERS = 5_000_000  # 40 times COCO's; each takes about 0.4 kB of memory
_MOST_SHOWN = 50
_MAKE_IT_ANEW = "Pack the files anew, with paths relative to the data set's folder."


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive: its name, its size unpacked, and where the archive has it.

    `offset` is where everything that belongs to it begins, `data` where its own bytes do (None: behind a header of
    zip). `packed` is how many bytes these are, `method` how zip packed them (0 not at all, 8 deflate).
    """

    name: str
    size: int
    offset: int
    packed: int
    data: int | None = None
    method: int = 0
    crc: int | None = None


@dataclass(slots=True)
class Listing:
    """The wanted files of an archive; `links` are second names of some of them."""

    members: list[Member] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)
    skipped: int = 0

    @property
    def names(self) -> list[str]:
        return [*(member.name for member in self.members), *self.links]


class Survey:
    """Takes the files of an archive one after the other, and collects what is wrong with them."""

    def __init__(self, archive_bytes: int, where: str) -> None:
        self.where = where
        self.most_bytes = max(HARMLESS_BYTES, MOST_TIMES_LARGER * archive_bytes)
        self._listing = Listing()
        self._links: dict[str, str] = {}
        self._seen: set[str] = set()
        self._problems: list[str] = []
        self._bytes = 0

    def add(self, member: Member) -> None:
        """A regular file, its name as the archive has it."""
        name = self._name(member.name)
        if not _is_wanted(name):
            self._listing.skipped += 1
            return
        self._bytes += member.size
        if self._bytes > self.most_bytes:
            raise self.bomb()
        self._listing.members.append(replace(member, name=name))

    def add_link(self, raw_name: str, target: str, *, symbolic: bool) -> None:
        """A second name, for a file given from the archive's root or, if symbolic, from the link's own folder."""
        name = self._name(raw_name)
        base = posixpath.dirname(name) if symbolic else ""
        inner = posixpath.normpath(posixpath.join(base, target))
        if target.startswith("/") or inner.split("/")[0] == ".." or _WINDOWS.search(target):
            self.refuse(raw_name, f"a link that leads out of the archive, to {target!r}")
        elif _is_wanted(name):
            self._links[name] = inner

    def refuse(self, raw_name: str, problem: str) -> None:
        self._problems.append(f"{raw_name!r}: {problem}")

    def bomb(self) -> DatasetError:
        return DatasetError(
            "The archive is refused: unpacked it would be far larger than a data set of its size is.",
            where=self.where,
            details=[f"more than {self.most_bytes / 1e9:.1f} GB or {_MOST_MEMBERS} files"],
            fix="Do not trust where it comes from. If it is right, unpack it yourself and give the folder.",
        )

    def finish(self) -> Listing:
        """
        Raises:
            DatasetError: It has files that no honest archive has; all of them are listed.
        """
        if self._problems:
            details = self._problems[:_MOST_SHOWN]
            more = len(self._problems) - len(details)
            raise DatasetError(
                f"The archive is refused for {len(self._problems)} of its files; nothing was unpacked.",
                where=self.where,
                details=[*details, *([f"… and {more} more"] if more else [])],
                fix=_MAKE_IT_ANEW,
            )
        names = {member.name for member in self._listing.members}
        for name, target in self._links.items():
            for _ in range(10):  # a link to a link; more than that is a circle
                target = self._links.get(target, target)
            if target in names:
                self._listing.links[name] = target
            else:
                self._listing.skipped += 1
        return self._listing

    def _name(self, raw: str) -> str:
        """The name without "./", after it was looked at."""
        parts = [part for part in raw.split("/") if part not in ("", ".")]
        name = "/".join(parts)
        if raw.startswith("/"):
            self.refuse(raw, "an absolute path")
        elif ".." in parts:
            self.refuse(raw, "a path that leads out of the archive's folder")
        elif _WINDOWS.search(raw) or "\0" in raw:
            self.refuse(raw, "a path in the way of Windows, with a drive or backslashes")
        elif name in self._seen:
            self.refuse(raw, "a second file of this name")
        self._seen.add(name)
        if len(self._seen) > _MOST_MEMBERS:
            raise self.bomb()
        return name


_WINDOWS = re.compile(r"^[A-Za-z]:|\\")


def _is_wanted(name: str) -> bool:
    """Whether a data set may have such a file."""
    suffix = PurePosixPath(name).suffix.lower()
    if is_hidden(name):
        return False
    return suffix in IMAGE_SUFFIXES or (suffix == ".json" and not is_other_table(name))


def damaged(where: str, problem: str) -> DatasetError:
    return DatasetError(
        f"The archive is damaged: {problem}.", where=where, fix="Get it again; if it stays so, have it packed anew."
    )

"""A data set in one or several archives, on the web, in a bucket or on this machine."""

from __future__ import annotations

import shutil
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from sparseinst.data.sources.base import Source
from sparseinst.data.sources.journal import Journal, read_journal, stamp_of
from sparseinst.data.sources.staging import Staging
from sparseinst.data.sources.unpack import Lost, is_out, kind_of, list_archive, unpack
from sparseinst.errors import DatasetError, StorageError
from sparseinst.log import get_logger
from sparseinst.progress import Advance
from sparseinst.storage.disk import check_free_space, disk_errors
from sparseinst.storage.download import download
from sparseinst.storage.parallel import in_parallel
from sparseinst.storage.place import MIRROR, Place, check_local, mirrored
from sparseinst.storage.transfer import Show, Transfer, transfer

log = get_logger("ingest")

_DOWNLOADS_AT_A_TIME = 3


class ArchiveSource(Source):
    """All archives are unpacked into the staging folder as soon as their names are asked for.

    Those that are downloaded for it are deleted while they are unpacked; a user's own are only read.
    """

    def __init__(self, places: Sequence[Place], staging: Staging) -> None:
        self.uri = " ".join(place.shown for place in places)
        self._staging = staging
        self._archives = [
            _Archive(place, Staging(staging.folder / f"archive{number}")) for number, place in enumerate(places)
        ]

    def names(self) -> list[str]:
        return sorted(self._homes)

    def local(self, name: str) -> Path:
        if name not in self._homes:
            raise StorageError(f"There is no file {name!r}.", where=self.uri, fix="Check the path.")
        return self._homes[name].path(name)

    def fetch(self, names: Sequence[str]) -> None:
        """They are here once there are names."""

    def place(self, name: str, path: Path) -> None:
        self.local(name)
        self._homes[name].place(name, path)

    def done(self) -> None:
        self._staging.delete()

    @cached_property
    def _homes(self) -> dict[str, Staging]:
        """Where each file was unpacked, by its name."""
        if not self._staging.is_empty():
            log.info("going on from an earlier attempt: %.1f MB are here", self._staging.size / 1e6)
        if not all(self._bring()):
            log.warning("files that an earlier attempt had unpacked are gone; their archives are downloaded anew")
            if not all(self._bring()):
                fix = "Keep other programs away from it, and run it again."
                raise StorageError("Unpacked files go away again.", where=str(self._staging.folder), fix=fix)
        names = Counter(name for archive in self._archives for name in archive.names)
        twice = sorted(name for name, count in names.items() if count > 1)
        if twice:
            raise DatasetError(
                f"{len(twice)} files are in more than one of the archives.",
                where=self.uri,
                details=twice[:10],
                fix="Give each archive once, or unpack them yourself and give the folder.",
            )
        return {name: archive.staging for archive in self._archives for name in archive.names}

    def _bring(self) -> list[bool]:
        """Downloads and unpacks what is not here yet; whether each archive is unpacked."""
        to_download = [archive for archive in self._archives if archive.is_to_be_downloaded]
        if to_download:
            doing = f"downloading {len(to_download)} archive{'s'[: len(to_download) > 1]}"
            with transfer("ingest", doing, files=len(to_download), total=0) as shown:
                self._download(to_download, shown)
        return [archive.unpack() for archive in self._archives]

    def _download(self, archives: Sequence[_Archive], shown: Transfer) -> None:
        stop = threading.Event()

        def fetch(archive: _Archive) -> None:
            display = shown.display(stop)

            @contextmanager
            def checked(doing: str, total: int | None, done: int) -> Iterator[Advance]:
                with display(doing, total, done) as advance:
                    check_free_space(self._staging.folder, shown.total - shown.done, "downloading the archives")
                    yield advance

            archive.download(checked)
            shown.end_file()

        for _ in in_parallel(fetch, archives, _DOWNLOADS_AT_A_TIME, stop):
            pass


class _Archive:
    """One archive: where it lies, and the folder with what has come of it."""

    def __init__(self, place: Place, staging: Staging) -> None:
        self.staging = staging
        self.names: list[str] = []
        self._place = mirrored(place)
        self._is_mirror = self._place != place
        self._is_ours = not self._place.is_local
        self._path = staging.folder / "archive" if self._is_ours else self._place.path
        self._journal_path = staging.folder / "journal.json"

    @property
    def is_to_be_downloaded(self) -> bool:
        return self._is_ours and not self._journal_path.exists()

    def download(self, show: Show) -> None:
        fix = f"Check {MIRROR}." if self._is_mirror else f"Check the network and HTTPS_PROXY, or set {MIRROR}."
        place = self._place
        download(place.url(), self._path, sha256=place.sha256, place=place.shown, unreachable_fix=fix, show=show)

    def unpack(self) -> bool:
        """Takes out what is not out yet. False where everything must be had anew, which then is deleted."""
        where = self._place.shown
        try:
            with disk_errors(self.staging.folder):
                self.staging.folder.mkdir(parents=True, exist_ok=True)
                journal = self._listed(where)
                self._take_out(journal, where)
        except (DatasetError, Lost) as problem:
            shutil.rmtree(self.staging.folder, ignore_errors=True)  # a damaged file may come undamaged next time
            if isinstance(problem, DatasetError):
                raise
            return False
        self.names = journal.listing.names
        return True

    def _listed(self, where: str) -> Journal:
        journal = read_journal(self._journal_path)
        stamp = [] if self._is_ours else stamp_of(check_local(self._place))
        if journal is None or journal.stamp != stamp:
            shutil.rmtree(self.staging.folder / "files", ignore_errors=True)
            kind = kind_of(self._path, where)
            log.info("looking through %s", where)
            journal = Journal(kind, list_archive(self._path, kind, where), stamp)
            skipped = journal.listing.skipped
            if skipped:
                log.info("%s: %d files that no data set needs are left in the archive", where, skipped)
            journal.write(self._journal_path)
        return journal

    def _take_out(self, journal: Journal, where: str) -> None:
        out = [member.size for member in journal.listing.members if is_out(member, self.staging.path)]
        sizes = [member.size for member in journal.listing.members]
        if len(out) < len(sizes) or self._path.exists():
            counts = {"files": len(sizes), "total": sum(sizes), "done_files": len(out), "done": sum(out)}
            with transfer("ingest", f"unpacking {self._place.name}", **counts) as shown:
                unpack(self._path, journal, self.staging.path, shown, eat=self._is_ours, where=where)

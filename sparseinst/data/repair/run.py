"""Repairs an annotation file: a new file, the diff, and what is left for a person."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from sparseinst.data.checks.file import Checked, check_file
from sparseinst.data.checks.findings import counts
from sparseinst.data.coco_file.reading import open_coco
from sparseinst.data.repair.origins import Origins
from sparseinst.data.repair.plan import plan_repairs
from sparseinst.data.repair.result import RepairResult
from sparseinst.data.repair.rewrite import Tell, rewrite
from sparseinst.data.repair.table import chosen_codes
from sparseinst.errors import ConfigError, DatasetError, StorageError
from sparseinst.files import atomic_path, sha256_of_file
from sparseinst.manifest import NAME, write_manifest

_MOST_ROUNDS = 10


def repair_file(
    path: Path,
    output: Path,
    name: str = "",
    *,
    only: Collection[str] = (),
    also: Collection[str] = (),
    checked: Checked | None = None,
    dry_run: bool = False,
) -> RepairResult:
    """Writes `output/<name of the file>`, `output/<stem>.diff.jsonl` and `output/manifest.json`.

    What no repair touches is copied byte by byte. What one repair uncovers, the next round repairs, so that repairing
    the new file changes nothing more. The same file and codes give the same bytes.

    Args:
        name: What findings call the new file; by default its path.
        only: Codes to repair instead of all that are safe.
        also: Codes to repair beside those.
        checked: What `check_file` says of the file, where that is known already.
        dry_run: Whether nothing is to be left in `output`; the work is done in the system's temporary folder.

    Raises:
        ConfigError: There is no repair for a code, or the output would overwrite the file.
        DatasetError: The file is missing, or its text is broken: no program can tell what was meant.
        StorageError: The output cannot be written.
    """
    codes = chosen_codes(only, also)
    _refuse_overwriting(path, output)
    with _storage_errors(output), _work_folder(None if dry_run else output) as folder:
        result = _repair(_Paths(path, folder, output), name, codes, checked)
        if dry_run:
            return result
        os.replace(folder / result.diff.name, result.diff)
        os.replace(folder / result.file.name, result.file)
    with _storage_errors(output):
        return replace(result, manifest=_write_manifest(result, path, codes))


class _Paths(NamedTuple):
    source: Path
    folder: Path  # where the work is done
    output: Path

    def of_file(self, folder: Path) -> Path:
        return folder / self.source.name

    def of_diff(self, folder: Path) -> Path:
        return folder / f"{self.source.stem}.diff.jsonl"


def _repair(paths: _Paths, name: str, codes: Collection[str], checked: Checked | None) -> RepairResult:
    """Repairs until there is nothing more to repair; the file and the diff are in the work folder then."""
    source, new, target = paths.source, paths.of_file(paths.folder), paths.of_file(paths.output)
    checked = checked or check_file(source, name or str(source))
    _refuse_broken_text(source, checked)
    entries, found = checked.entries, counts(checked.findings)
    changes: Counter[str] = Counter()
    origins = Origins()
    with atomic_path(paths.of_diff(paths.folder)) as temporary, temporary.open("w", encoding="ascii") as lines:

        def tell(code: str, line: str) -> None:
            changes[code] += 1
            lines.write(f"{line}\n")

        for _ in range(_MOST_ROUNDS):
            before = changes.total()
            if not _pass(source, new, checked, codes, origins, tell) or changes.total() == before:
                break
            source = new
            del checked  # before another takes as much memory
            checked = check_file(new, name or str(target))
    return RepairResult(target, paths.of_diff(paths.output), dict(sorted(changes.items())), entries, found, checked)


def _pass(source: Path, new: Path, checked: Checked, codes: Collection[str], origins: Origins, tell: Tell) -> bool:
    """Repairs what the check has found. Gives whether there is anything that may be repaired."""
    file = open_coco(source)
    plan = plan_repairs(file, checked, codes)
    if plan.is_empty and source == new:
        return False
    with atomic_path(new) as temporary, temporary.open("wb") as output:
        deleted = rewrite(file, plan, output, origins.pointer, tell)
    origins.delete(deleted)
    return not plan.is_empty


@contextmanager
def _work_folder(output: Path | None) -> Iterator[Path]:
    """A folder within the output, so that files only need to be renamed; the system's where there is no output."""
    is_new = output is not None and not output.exists()
    if output:
        output.mkdir(parents=True, exist_ok=True)
    try:
        with TemporaryDirectory(dir=output, prefix=".repair.", suffix=".tmp") as folder:
            yield Path(folder)
    except BaseException:
        if is_new and output:
            output.rmdir()
        raise


@contextmanager
def _storage_errors(output: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"The repaired file cannot be written: {error.strerror or error}.",
            where=str(output),
            fix="Check the path, its permissions and the free space, and run the same command again.",
        ) from error


def _write_manifest(result: RepairResult, source: Path, codes: Collection[str]) -> Mapping[str, Any]:
    return write_manifest(
        result.file.parent,
        kind="annotations",
        inputs={"annotations": sha256_of_file(source)},
        settings={"codes": sorted(codes)},
        files=[result.file, result.diff],
        facts={
            "changes": dict(result.changes),
            "entries": {"before": result.entries, "after": result.after.entries},
            "findings": {"before": result.found, "after": counts(result.after.findings)},
        },
    )


def _refuse_overwriting(path: Path, output: Path) -> None:
    fix = "Name another folder with --output."
    if output.exists() and not output.is_dir():
        raise ConfigError("The output must be a folder, and is a file.", where=str(output), fix=fix)
    if path.name == NAME:
        rename = "Give the annotation file another name."
        raise ConfigError("The repaired file would be overwritten by its manifest.", where=str(path), fix=rename)
    for name in (path.name, f"{path.stem}.diff.jsonl", NAME):
        file = output / name
        if path.exists() and file.exists() and file.samefile(path):
            problem = "A repair never changes the file that it repairs, and the output would."
            raise ConfigError(problem, where=str(file), fix=fix)
        if file.is_dir():
            raise ConfigError("There is a folder where the repair writes a file.", where=str(file), fix=fix)


def _refuse_broken_text(path: Path, checked: Checked) -> None:
    """A finding about the whole file, apart from the byte order mark, says that it could not be read."""
    for finding in checked.findings:
        if not finding.pointer and finding.code != "JSON-BOM":
            raise DatasetError(
                f"The file cannot be repaired by a program: {finding.problem}.",
                where=finding.file or str(path),
                fix=f"{finding.fix}.",
            )

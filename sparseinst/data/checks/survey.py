"""What `sparseinst check` looks at: annotation files, alone or with their images, or a whole folder of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sparseinst.data.checks.file import Checked, check_file
from sparseinst.data.checks.findings import Finding
from sparseinst.data.checks.pictures import Located, check_pictures
from sparseinst.errors import DatasetError


@dataclass(frozen=True, slots=True)
class SurveyedFile:
    """An annotation file by the name that findings call it, and how many entries its lists have."""

    name: str
    split: str
    checked: Checked

    @property
    def entries(self) -> dict[str, int]:
        return self.checked.entries


@dataclass(frozen=True, slots=True)
class Survey:
    """All files and all findings."""

    files: Sequence[SurveyedFile]
    findings: list[Finding]

    def write_html(self, path: Path) -> None:
        """Writes the report without its gallery."""
        from sparseinst.data.report.page import write_report
        from sparseinst.data.report.table import SplitTable

        categories = sorted({c for file in self.files for c in file.checked.categories}, key=lambda c: (c.id, c.name))
        place = {category: index for index, category in enumerate(categories)}
        splits = []
        for file in self.files:
            images, table = file.checked.images, file.checked.annotations
            own = np.array([place[category] for category in file.checked.categories], np.int64)
            splits.append(
                SplitTable(
                    name=file.name,
                    heights=images.heights,
                    widths=images.widths,
                    file_names=images.names,
                    image=table.images,
                    category=own[table.categories],
                    crowd=table.crowds,
                    area=table.areas.astype(np.float64),
                    box=table.boxes.astype(np.float64),
                )
            )
        write_report(
            path,
            title=", ".join(file.name for file in self.files),
            categories=categories,
            splits=splits,
            findings=self.findings,
            gallery=[],
        )


def survey(places: Sequence[Path], images: Path | None) -> Survey:
    """Checks annotation files, and with `images` every image; or a folder that holds both.

    Raises:
        DatasetError: A file is not there; a folder has no annotations; or both kinds were mixed.
    """
    if any(place.is_dir() for place in places):
        if len(places) > 1 or images is not None:
            problem = "A folder is checked as a whole, without other files or --images."
            raise DatasetError(problem, where=", ".join(map(str, places)), fix="Give the folder alone, or files.")
        return _survey_folder(places[0])
    files = [SurveyedFile(str(path), _split_of(path), check_file(path, str(path))) for path in places]
    findings = [finding for file in files for finding in file.checked.findings]
    if images is not None:
        located = [Located(f.name, f.split, f.checked, _paths(f.checked, images)) for f in files]
        findings += check_pictures(located)
    return Survey(files, findings)


def _survey_folder(folder: Path) -> Survey:
    from sparseinst.data.ingest.classes import joined_categories
    from sparseinst.data.ingest.gather import gather
    from sparseinst.data.sources.local import DirectorySource

    source = DirectorySource(folder, folder / ".none")  # nothing is made
    files, findings = gather(source)
    _, contradictions = joined_categories(files)
    located = [
        Located(f.name, f.split, f.checked, [source.local(key) if key else None for key in f.keys]) for f in files
    ]
    pictures = [finding for finding in check_pictures(located) if finding.code != "IMG-FILE"]  # `gather` has these
    surveyed = [SurveyedFile(file.name, file.split, file.checked) for file in files]
    return Survey(surveyed, [*findings, *contradictions, *pictures])


def _paths(checked: Checked, images: Path) -> list[Path | None]:
    return [images / name if name and (images / name).exists() else None for name in checked.images.names]


def _split_of(path: Path) -> str:
    return "val" if path.name.lower().startswith(("val", "instances_val")) else "train"

"""From a source to a dataset directory: gather, check, fetch, look at the images, shape, write, describe."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sparseinst.data.categories import Category
from sparseinst.data.checks.findings import Finding, blocking
from sparseinst.data.checks.pictures import Located, check_pictures
from sparseinst.data.coco import raise_findings
from sparseinst.data.ingest.classes import joined_categories
from sparseinst.data.ingest.describe import describe
from sparseinst.data.ingest.gallery import Gallery
from sparseinst.data.ingest.gather import AnnotationFile, gather
from sparseinst.data.ingest.mend import mended
from sparseinst.data.ingest.output import dataset_folder
from sparseinst.data.ingest.plan import FilePlan, everything, make_plans
from sparseinst.data.ingest.settings import IngestResult, IngestSettings
from sparseinst.data.ingest.tables import split_tables
from sparseinst.data.ingest.version import data_version
from sparseinst.data.ingest.write import write_annotations
from sparseinst.data.loading.image_files import POINTER
from sparseinst.data.sample.write import write_sample
from sparseinst.data.shaping.shape import shape
from sparseinst.data.shaping.table import Shaped
from sparseinst.data.sources.base import Source
from sparseinst.data.sources.layout import SPLITS, missing_val_error
from sparseinst.data.sources.local import DirectorySource
from sparseinst.data.sources.opening import open_source
from sparseinst.errors import ConfigError
from sparseinst.files import write_text
from sparseinst.log import get_logger
from sparseinst.progress import progress

SAMPLE = "sample"

log = get_logger("ingest")


def ingest(source: str, output: Path, settings: IngestSettings | None = None) -> IngestResult:
    """Makes the dataset directory `output`, in place of an older one.

    Args:
        source: A directory, s3://bucket/prefix, archives (see `open_source`), "coco2017", or "sample" for the set
            that is drawn by code.

    Raises:
        DatasetError: The source has no data set, or its annotations have errors; or `output` is something else.
        ConfigError: A setting does not fit the source.
        StorageError: The source cannot be read.
    """
    settings = settings or IngestSettings()
    with dataset_folder(output) as folder, _opened(source, output, settings) as opened:
        with mended(opened, settings.repair) as reading:
            manifest, findings = _make(reading, folder, settings, source)
        opened.done()
    return IngestResult(output, manifest, findings)


@contextmanager
def _opened(source: str, output: Path, settings: IngestSettings) -> Iterator[Source]:
    if source != SAMPLE:
        with open_source(source, output) as opened:
            yield opened
        return
    train, val = settings.train_images, settings.val_images
    log.info("drawing %d images for train and %d for val, seed %d", train, val, settings.seed)
    with tempfile.TemporaryDirectory(prefix=f".{output.name}.", suffix=".sample", dir=output.parent) as drawn:
        write_sample(Path(drawn), train, val, settings.seed)
        yield DirectorySource(Path(drawn), output)


def _make(source: Source, folder: Path, settings: IngestSettings, named: str) -> tuple[dict[str, Any], list[Finding]]:
    """Fills `folder`. All findings about annotations come before the first image is fetched."""
    files, findings = gather(source)
    categories, more = joined_categories(files)
    findings += more
    _refuse(findings, settings, source)
    shaped = _shape(files, categories, settings, source)
    plans = make_plans(files, shaped, keep_names=settings.leave_images)
    if settings.leave_images:
        _leave(source, folder)
    else:
        findings += _look_at_images(source, plans)
        _refuse(findings, settings, source)
        _place(source, plans, folder)
    tables, places = split_tables(plans)
    gallery = Gallery(tables, places, shaped.categories)
    objects = write_annotations(folder, plans, shaped.categories, gallery.wanted)
    manifest = describe(
        folder,
        tables=tables,
        shaped=shaped,
        findings=findings,
        gallery=[] if settings.leave_images else gallery.draw(folder, objects),
        settings={**settings.shape.to_dict(), **({"repair": True} if settings.repair else {})},
        source={"uri": SAMPLE if named == SAMPLE else source.uri, "version": settings.version or data_version(named)},
    )
    return manifest, findings


def _refuse(findings: Sequence[Finding], settings: IngestSettings, source: Source) -> None:
    refused = blocking(findings, settings.strict)
    if refused:
        raise_findings(refused, source.uri)


def _shape(
    files: Sequence[AnnotationFile], categories: Sequence[Category], settings: IngestSettings, source: Source
) -> Shaped:
    config = settings.shape
    if not (any(file.split == "val" for file in files) or config.val_share):
        raise missing_val_error([file.name for file in files], source.uri)
    grouped_by = config.group_by.removeprefix("field:") if config.group_by.startswith("field:") else ""
    return shape(everything(files, categories, grouped_by), config)


def _leave(source: Source, folder: Path) -> None:
    if not source.images_can_stay:
        problem = "Images can be left where they are only in a bucket."
        raise ConfigError(problem, where="--leave-images", fix="Leave the option out: local images are linked.")
    write_text(folder / POINTER, json.dumps({"at": source.uri}) + "\n")


def _look_at_images(source: Source, plans: Sequence[FilePlan]) -> list[Finding]:
    """Fetches the images of the data set and decodes each. Those that are left out are not looked at."""
    keys = sorted({key for plan in plans for key, split in _kept(plan)})
    log.info("bringing %d images from %s", len(keys), source.uri)
    source.fetch(keys)
    located = []
    for plan in plans:
        file = plan.file
        kept = plan.splits.tolist()
        paths = [source.local(key) if split >= 0 else None for key, split in zip(file.keys, kept, strict=True)]
        for place, split in enumerate(SPLITS):
            rows = [row for row, own in enumerate(kept) if own == place]
            located.append(Located(file.name, split, file.checked, paths, rows))
    return check_pictures(located, "ingest")


def _kept(plan: FilePlan) -> Iterator[tuple[str, int]]:
    """The key and the split of each image that is not left out."""
    return ((key, split) for key, split in zip(plan.file.keys, plan.splits.tolist(), strict=True) if split >= 0)


def _place(source: Source, plans: Sequence[FilePlan], folder: Path) -> None:
    total = sum(int((plan.splits >= 0).sum()) for plan in plans)
    with progress("ingest", "placing images", total) as advance:
        for plan in plans:
            for name, key, split in zip(plan.names, plan.file.keys, plan.splits.tolist(), strict=True):
                if split >= 0:
                    source.place(key, folder / "images" / name)
                    advance()

"""sparseinst ingest"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sparseinst.cli.output import emit
from sparseinst.cli.shape_options import shape_options


@click.command("ingest")
@click.option("--source", required=True, help="A directory, s3://bucket/prefix, archives, `coco2017`, or `sample`.")
@click.option("--output", required=True, type=click.Path(path_type=Path), help="The dataset directory to make.")
@click.option("--repair", is_flag=True, help="Mend what `sparseinst repair` mends safely; the source stays as it is.")
@click.option("--strict", is_flag=True, help="Refuse warnings as well as errors.")
@click.option("--leave-images", is_flag=True, help="Leave the images in the bucket; training reads them from there.")
@click.option("--data-version", default="", help="Recorded in all that is made of the data [default: DVC's hash].")
@shape_options
@click.option("--train", "train_images", type=click.IntRange(1), default=1000, show_default=True, help="Only `sample`.")
@click.option("--val", "val_images", type=click.IntRange(1), default=120, show_default=True, help="Only `sample`.")
@click.option("--seed", "drawing_seed", type=click.IntRange(0), default=0, show_default=True, help="Only `sample`.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
def command(
    source: str,
    output: Path,
    repair: bool,
    strict: bool,
    leave_images: bool,
    data_version: str,
    train_images: int,
    val_images: int,
    drawing_seed: int,
    as_json: bool,
    **shape: Any,
) -> None:
    """Bring annotated images into a dataset directory.

    The source holds COCO annotations as annotations/{train,val}.json, instances_{train,val}*.json,
    {train,valid}/_annotations.coco.json or one file for everything, and the images anywhere below it. Everything is
    checked, every image is decoded. The directory appears when it is complete; an older one is replaced. An attempt
    that was interrupted is gone on from.

    \b
    Example:
      sparseinst ingest --source sample --output data
      sparseinst ingest --source s3://my-bucket/photos --output data
      sparseinst ingest --source coco2017 --select person --select dog --subset 2000 --output data
      sparseinst ingest --source "https://host/images.zip https://host/labels.zip" --val-share 0.1 --output data
    """
    from sparseinst.cli.shape_options import shape_config
    from sparseinst.data.ingest import SAMPLE, IngestSettings, ingest

    settings = IngestSettings(
        shape=shape_config(**shape),
        repair=repair,
        strict=strict,
        leave_images=leave_images,
        train_images=train_images,
        val_images=val_images,
        seed=drawing_seed,
        version=data_version,
    )
    result = ingest(source, output, settings)
    facts = result.manifest["facts"]
    config = "sample" if source == SAMPLE else "quick"
    findings = ", ".join(f"{count} {severity}s" for severity, count in facts["findings"].items())
    emit(
        {"location": str(result.location), "id": result.manifest["id"], "facts": facts},
        as_json,
        [
            f"made {result.location}, id {result.manifest['id'][:12]}, {len(facts['categories'])} categories",
            *(
                f"  {split:<5}  {facts[split]['images']} images, {facts[split]['instances']} instances, "
                f"{facts[split]['crowds']} of them crowd regions"
                for split in ("train", "val")
            ),
            f"  found  {findings} (all in {result.location / 'findings.jsonl'})",
            f"report: {result.location / 'report.html'}",
            f"next: sparseinst train --data {result.location} --config {config} --output model",
        ],
    )

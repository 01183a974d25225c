"""sparseinst ingest"""

from __future__ import annotations

from pathlib import Path

import click

from sparseinst.cli.output import emit


@click.command("ingest")
@click.option("--source", required=True, help="A directory, s3://bucket/prefix, or `sample`.")
@click.option("--output", required=True, type=click.Path(path_type=Path), help="The dataset directory to make.")
@click.option("--train", "train_images", type=click.IntRange(1), default=1000, show_default=True, help="Only `sample`.")
@click.option("--val", "val_images", type=click.IntRange(1), default=120, show_default=True, help="Only `sample`.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Only `sample`.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
def command(source: str, output: Path, train_images: int, val_images: int, seed: int, as_json: bool) -> None:
    """Bring annotated images into a dataset directory.

    The source holds COCO annotations as annotations/{train,val}.json or instances_{train,val}*.json, and the images
    anywhere below it. The directory appears when it is complete; an older one is replaced.

    \b
    Example:
      sparseinst ingest --source sample --output data
      sparseinst ingest --source s3://my-bucket/photos --output data
    """
    from sparseinst.data.ingest import SAMPLE, ingest

    result = ingest(source, output, train_images=train_images, val_images=val_images, seed=seed)
    facts = result.manifest["facts"]
    config = "sample" if source == SAMPLE else "quick"
    counts = [
        f"  {split:<5}  {facts[split]['images']} images, {facts[split]['instances']} objects, "
        f"{facts[split]['crowds']} crowd regions"
        for split in ("train", "val")
    ]
    emit(
        {"location": str(result.location), "id": result.manifest["id"], "facts": facts},
        as_json,
        [
            f"made {result.location}, id {result.manifest['id'][:12]}, {len(facts['categories'])} categories",
            *counts,
            f"next: sparseinst train --data {result.location} --config {config} --output model",
        ],
    )

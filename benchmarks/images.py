"""How large the images are, and what of them is ours: layers, largest packages.

    python -m benchmarks.images --tag under-test [--json FILE]

It looks at images that are there (make images); sizes are what they take on a disk, not what a pull moves.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from pipelines.run.containers import docker_client
from sparseinst.files import write_json

_TARGETS = ("components", "triton", "training")
_LARGEST = 6
_FOLDERS = "du -sm /opt/venv/lib/python*/site-packages/* /opt/front-door/* 2>/dev/null"


def measure(client: Any, name: str) -> dict[str, Any]:
    """The image's size, its layers from the base on and its largest folders in MB, and how many packages it has."""
    image = client.images.get(name)
    layers = [round(layer["Size"] / 1e6, 1) for layer in reversed(image.history()) if layer["Size"]]
    sizes = _run(client, image, ["sh", "-c", f"{_FOLDERS} | sort -rn | head -{_LARGEST}"])
    listed = json.loads(_run(client, image, ["cat", "/usr/share/sbom/python.cdx.json"]))
    return {
        "mb": round(image.attrs["Size"] / 1e6, 1),
        "layers_mb": layers,
        "python_packages": len(listed["components"]),
        "largest_mb": {Path(path).name: int(size) for size, path in (line.split() for line in sizes.splitlines())},
        "commit": image.labels["org.opencontainers.image.revision"],
    }


def _run(client: Any, image: Any, command: list[str]) -> str:
    return str(client.containers.run(image.id, command, remove=True, network_mode="none").decode())


def main() -> None:
    parser = argparse.ArgumentParser(description="How large the images are.")
    parser.add_argument("--tag", required=True)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with docker_client() as client:
        there = {tag for image in client.images.list() for tag in image.tags}
        names = {target: f"sparseinst-{target}:{options.tag}" for target in _TARGETS}
        found = {target: measure(client, name) for target, name in names.items() if name in there}
        docker = client.version()["Version"]
    for target, facts in found.items():
        print(f"{target:<11}{facts['mb']:>8.0f} MB  layers {' + '.join(f'{size:g}' for size in facts['layers_mb'])}")
        print(" " * 13 + ", ".join(f"{name} {size}" for name, size in facts["largest_mb"].items()))
    if options.json:
        write_json(options.json, {"docker": docker, "images": found})


if __name__ == "__main__":
    main()

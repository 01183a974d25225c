"""What it costs to read a large file of detections that another program wrote, and to check every RLE in it.

Run: python -m benchmarks.detections [--megabytes 1000] [--folder DIR] [--json FILE]

The file is drawn: COCO results on images of 640x480, one line, RLE texts of some 1500 letters, which is what wavy
outlines take. Each figure is of a process of its own, by the clock; memory is the most that it holds. The file's pages,
which the system can take back at any time, are counted where they are mapped, as we do. Where other programs run, CPU
time tells more than the clock. The floors are orjson and Python's json alone, which read the file into memory and
check nothing.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from sparseinst.errors import EvaluationError
from sparseinst.evaluation.detections.reading import load_detections
from sparseinst.evaluation.truth import load_truth
from sparseinst.masks.coco import counts_of_rle_string, mask_to_rle
from sparseinst.masks.rle_strings import damaged_rle_strings

_HEIGHT, _WIDTH = 480, 640
_IMAGES, _CATEGORIES, _MASKS = 5000, 80, 60
_STAGES = ("orjson", "json", "ours", "ours, every detection wrong")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--folder", type=Path, help="where the file is drawn; default: a temporary folder")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--stage", nargs=2, metavar=("STAGE", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stage:
        _run(options.stage[0], Path(options.stage[1]))
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        detections = write_files(folder, options.megabytes * 1_000_000)
        megabytes = (folder / "found.json").stat().st_size / 1e6
        stages = {stage: _measure(stage, folder) for stage in _STAGES}
    where = _machine()
    print(f"{detections} detections, {megabytes:.0f} MB, {where}")
    for stage, figures in stages.items():
        rate = megabytes / figures["seconds"]
        times = f"{figures['seconds']:7.2f} s   {rate:5.0f} MB/s   CPU {figures['cpu_seconds']:7.2f} s"
        print(f"  {stage:<28} {times}   peak {figures['peak_mb']:6.0f} MB")
    masks = rle_speed()
    print(f"  RLE texts checked: {masks['together']:.0f} masks/s together, {masks['one by one']:.0f} one by one")
    if options.json:
        machine = {"device": where, "cores": len(os.sched_getaffinity(0))}
        size = {"detections": detections, "megabytes": megabytes}
        options.json.write_text(
            json.dumps({**machine, **size, "stages": stages, "masks_per_second": masks}, indent=1) + "\n"
        )


def write_files(folder: Path, size: int) -> int:
    """Writes truth.json and found.json, of `size` bytes or a little more; gives the number of detections."""
    images = [{"id": n, "file_name": f"{n}.jpg", "height": _HEIGHT, "width": _WIDTH} for n in range(1, _IMAGES + 1)]
    categories = [{"id": n, "name": f"class {n}"} for n in range(1, _CATEGORIES + 1)]
    truth = {"images": images, "categories": categories, "annotations": []}
    (folder / "truth.json").write_text(json.dumps(truth))
    segmentations = [json.dumps({"size": [_HEIGHT, _WIDTH], "counts": text}) for text in texts()]
    with (folder / "found.json").open("w", encoding="ascii") as file:
        written = file.write("[")
        for number in itertools.count():
            if written >= size:
                file.write("]")
                return number
            fields = f'"image_id": {number % _IMAGES + 1}, "category_id": {number % _CATEGORIES + 1}'
            score = (number * 7919 % 100_003) / 100_003
            entry = f'{{{fields}, "score": {score}, "segmentation": {segmentations[number % _MASKS]}}}'
            written += file.write(f", {entry}" if number else entry)
    raise AssertionError("a file that never ends")


def texts() -> list[str]:
    """Compressed RLEs of discs with wavy outlines."""
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[:_HEIGHT, :_WIDTH]
    found = []
    for _ in range(_MASKS):
        y, x, radius = random.uniform(100, 380), random.uniform(100, 540), random.uniform(20, 100)
        angle = np.arctan2(rows - y, columns - x)
        waves = 0.2 * np.sin(angle * random.integers(3, 40)) + 0.1 * np.sin(angle * random.integers(3, 90))
        found.append(mask_to_rle(np.hypot(rows - y, columns - x) < radius * (1 + waves))["counts"])
    return found


def rle_speed() -> dict[str, float]:
    """Masks a second, and the mean length of their texts."""
    some = texts()
    many = some * 200

    def one_by_one() -> None:
        for text in some:
            counts_of_rle_string(text)

    together = _seconds(lambda: damaged_rle_strings(many, [_HEIGHT * _WIDTH] * len(many)))
    letters = sum(map(len, some)) / len(some)
    return {"together": len(many) / together, "one by one": len(some) / _seconds(one_by_one), "letters": letters}


def _seconds(work: Callable[[], object]) -> float:
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return sorted(times)[2]


def _machine() -> str:
    import torch  # not in the processes whose memory is measured

    from benchmarks.device import describe

    return describe(torch.device("cpu"))


def _measure(stage: str, folder: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.detections", "--stage", stage, str(folder)]
    told: dict[str, float] = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
    return told


def _run(stage: str, folder: Path) -> None:
    """Does one stage and prints its seconds and the most memory of this process."""
    import orjson

    found, truth = folder / "found.json", load_truth(folder / "truth.json")
    if stage == "ours, every detection wrong":
        for image in truth.images:
            image["id"] += 10 * _IMAGES
    begin, cpu = time.perf_counter(), time.process_time()
    kept: Any = None
    if stage == "orjson":
        kept = orjson.loads(found.read_bytes())
    elif stage == "json":
        kept = json.loads(found.read_bytes())
    else:
        try:
            kept = load_detections(found, truth)
        except EvaluationError as error:
            kept = error
    seconds, cpu_seconds = time.perf_counter() - begin, time.process_time() - cpu
    # Not ru_maxrss, in which the process that started this one counts.
    most = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    if most is None:
        sys.exit("the system does not tell a process's memory")
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu_seconds, "peak_mb": int(most[1]) * 1024 / 1e6}))
    del kept


if __name__ == "__main__":
    main()

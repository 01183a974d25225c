"""What it costs to check and index annotation files of COCO's size, and how that grows.

Run: python -m benchmarks.ingest                      a tenth of COCO's train2017, COCO's train2017
     python -m benchmarks.ingest --times 1 10 --json  the same and ten times as much; JSON for benchmarks/results

The files are drawn (benchmarks/coco_shape.py). Each figure is of a process of its own, by the clock; memory is the
most that it and its workers hold at a time, counting what they share once (PSS), the pages of the file included,
which the system can take back at any time. The floor is reading the JSON alone: orjson and nothing else, on one core.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import torch

from benchmarks.coco_shape import COCO_CATEGORIES, COCO_IMAGES, COCO_INSTANCES, write_coco_shape
from benchmarks.device import describe

_STAGES = ("parse", "check", "index", "open")
_SECONDS_BETWEEN_LOOKS = 0.1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=float, nargs="+", default=[0.1, 1.0], help="of COCO's train2017")
    parser.add_argument("--files", type=Path, help="keeps the drawn files in this folder, for the next time")
    parser.add_argument("--json", action="store_true", help="print JSON in place of a table")
    parser.add_argument("--stage", nargs=2, metavar=("STAGE", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stage:
        _run(*options.stage)
        return
    results = [_measure(times, options.files) for times in options.times]
    if options.json:
        cores = len(os.sched_getaffinity(0))
        machine = {"device": describe(torch.device("cpu")), "cores": cores}
        print(json.dumps({**machine, "sizes": results}, indent=1))
        return
    print("times COCO   instances   megabytes " + "".join(f"{stage + ' s':>10}{'MB':>7}" for stage in _STAGES))
    for result in results:
        figures = "".join(f"{result[s]['seconds']:10.2f}{result[s]['peak_mb']:7.0f}" for s in _STAGES)
        print(f"{result['times']:10g} {result['instances']:11} {result['megabytes']:11.0f} {figures}")


def _measure(times: float, kept: Path | None) -> dict[str, Any]:
    images, instances = round(COCO_IMAGES * times), round(COCO_INSTANCES * times)
    with tempfile.TemporaryDirectory() as folder:
        file = (kept or Path(folder)) / f"coco-times-{times:g}.json"
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            write_coco_shape(file, images, instances, COCO_CATEGORIES)
        shutil.rmtree(file.with_name(f".{file.stem}.index"), ignore_errors=True)
        stages = {stage: _measure_stage(stage, file) for stage in _STAGES}
        megabytes = file.stat().st_size / 1e6
    return {"times": times, "images": images, "instances": instances, "megabytes": megabytes, **stages}


def _measure_stage(stage: str, file: Path) -> dict[str, float]:
    """Seconds that the process tells, and the most memory of it and its children."""
    command = [sys.executable, "-m", "benchmarks.ingest", "--stage", stage, str(file)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    peak, ended = [0.0], threading.Event()
    watcher = threading.Thread(target=_watch, args=(process.pid, peak, ended))
    watcher.start()
    output, _ = process.communicate()
    ended.set()
    watcher.join()
    if process.returncode:
        sys.exit(f"the stage {stage} failed")
    return {"seconds": float(output), "peak_mb": peak[0]}


def _watch(pid: int, peak: list[float], ended: threading.Event) -> None:
    while not ended.wait(_SECONDS_BETWEEN_LOOKS):
        total = 0.0
        try:
            parent = psutil.Process(pid)
            for process in (parent, *parent.children(recursive=True)):
                total += process.memory_full_info().pss / 1e6
        except psutil.Error:
            continue
        peak[0] = max(peak[0], total)


def _run(stage: str, path: str) -> None:
    """Does one stage and prints its seconds."""
    from sparseinst.data.checks.file import check_file
    from sparseinst.data.coco_file.reading import open_coco
    from sparseinst.data.index.opening import open_index

    file = Path(path)
    begin = time.perf_counter()
    if stage == "parse":
        sum(len(entries) for entries in open_coco(file).annotations())
    elif stage == "check":
        check_file(file)
    else:
        index = open_index(file)
        index.objects(0)
    print(time.perf_counter() - begin)


if __name__ == "__main__":
    main()

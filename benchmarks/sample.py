"""How fast the sample set is drawn, and how much of that no generator could save: the JPEG encoding.

Run: OMP_NUM_THREADS=1 python -m benchmarks.sample [--images 1000]
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable

import cv2

from sparseinst.data.sample.scene import make_image
from sparseinst.data.sample.write import annotate, encode_jpeg


def seconds_of(work: Callable[[], object]) -> float:
    """CPU seconds of this process: other processes on the machine do not count."""
    started = time.process_time()
    work()
    return time.process_time() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1000)
    count = parser.parse_args().images
    cv2.setNumThreads(1)
    make_image(0, 0)  # what is loaded on first use is no part of the rate
    samples = []
    draw = seconds_of(lambda: samples.extend(make_image(0, index) for index in range(count)))
    annotations = seconds_of(lambda: [json.dumps(annotate(sample, 1, 1)) for sample in samples])
    encode = seconds_of(lambda: [encode_jpeg(sample.image) for sample in samples])
    total = draw + annotations + encode
    print(f"{count} images, one thread, {platform.machine()}, CPU milliseconds an image:")
    for name, seconds in (("draw", draw), ("annotate", annotations), ("encode (floor)", encode), ("all", total)):
        print(f"  {name:<15} {1000 * seconds / count:6.2f}   {count / seconds:6.0f} images/s")


if __name__ == "__main__":
    main()

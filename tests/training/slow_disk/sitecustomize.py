"""Python imports this by itself where the folder is in PYTHONPATH: a disk on which every write takes its time."""

import os
import time

_fsync = os.fsync


def _slow(file: int) -> None:
    time.sleep(0.4)
    _fsync(file)


os.fsync = _slow

"""torchrun without its long report of which process failed: the ranks tell that themselves (see `verdicts`)."""

from __future__ import annotations

import sys

from torch.distributed import run
from torch.distributed.elastic.multiprocessing import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

if __name__ == "__main__":
    try:
        run.main(sys.argv[1:])
    except ChildFailedError:
        sys.exit(1)
    except SignalException as error:
        sys.exit(128 + int(error.sigval))

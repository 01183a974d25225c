"""What each rank on a TrainJob's nodes runs where the run's folder is in a bucket: `-m sparseinst.cluster.node`.

Every node fetches the data once, its ranks share it; the node of rank 0 brings back what was made. With a volume the
ranks run `sparseinst train` itself.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from sparseinst.errors import SparseInstError
from sparseinst.log import set_up_logging
from sparseinst.training.run import run_training
from sparseinst.workspace import fetch, open_workspace
from sparseinst.workspace.training import train_into


def main(arguments: Sequence[str]) -> int:
    """Trains as one of torchrun's ranks; the exit code."""
    parser = argparse.ArgumentParser(prog="sparseinst.cluster.node", allow_abbrev=False)
    parser.add_argument("--data", required=True, help="the dataset's address")
    parser.add_argument("--output", required=True, help="the address of what is made")
    parser.add_argument("--config", required=True, help="a configuration's name or YAML file")
    parser.add_argument("--set", dest="overrides", action="append", default=[], help="section.name=value")
    asked = parser.parse_args(arguments)
    set_up_logging()
    try:
        _train(asked.data, asked.output, asked.config, asked.overrides)
    except SparseInstError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return error.exit_code
    return 0


def _train(data: str, output: str, config: str, overrides: Sequence[str]) -> None:
    folder, _, name = output.rpartition("/")
    place = open_workspace(folder)
    if os.environ.get("RANK", "0") == "0":
        train_into(place, name, fetch(data), config, overrides)
    else:
        run_training(fetch(data), place.local(name), config, overrides)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

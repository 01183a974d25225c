"""What limits this project as it grows: measured on this machine, and calculated for others.

python -m benchmarks.scaling measure [--json FILE]      a replica's saturation
python -m benchmarks.scaling calculate [--inputs FILE]  the tables of docs/scaling.md, from your numbers
python -m benchmarks.scaling simulate [--inputs FILE]   the autoscaler, with each request, and on 251 loads
python -m benchmarks.scaling draw [--json FILE]         docs/pictures/scaling.svg, from the measured figures
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from pathlib import Path

from benchmarks.scaling.draw import draw
from benchmarks.scaling.inputs import DEFAULT, read_inputs
from benchmarks.scaling.measure import PARTS, measure
from benchmarks.scaling.tables import all_tables, fill_page, simulated
from sparseinst.errors import SparseInstError

RESULTS = Path("benchmarks/results/scaling-cpu-intel-xeon.json")
PICTURE = Path("docs/pictures/scaling.svg")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    actions = parser.add_subparsers(dest="action", required=True)
    measuring = actions.add_parser("measure", help="takes half an hour")
    measuring.add_argument("--json", type=Path, default=RESULTS)
    measuring.add_argument("--seconds", type=float, default=40, help="of each load")
    measuring.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS))
    calculating = actions.add_parser("calculate")
    calculating.add_argument("--inputs", type=Path, default=DEFAULT, help="a file like the default, with your numbers")
    calculating.add_argument("--page", type=Path, help="write the tables into this page in place of showing them")
    simulating = actions.add_parser("simulate", help="takes some minutes")
    simulating.add_argument("--inputs", type=Path, default=DEFAULT)
    drawing = actions.add_parser("draw")
    drawing.add_argument("--json", type=Path, default=RESULTS)
    options = parser.parse_args()
    warnings.simplefilter("ignore", DeprecationWarning)
    try:
        if options.action == "measure":
            measure(options.json, options.seconds, options.parts)
        elif options.action == "calculate":
            _calculate(options.inputs, options.page)
        elif options.action == "simulate":
            print(simulated(read_inputs(options.inputs)))
        else:
            PICTURE.write_text(draw(json.loads(options.json.read_text())))
    except SparseInstError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _calculate(inputs: Path, page: Path | None) -> None:
    if page is None:
        print(all_tables(read_inputs(inputs)))
    else:
        page.write_text(fill_page(page.read_text(), read_inputs(inputs), json.loads(RESULTS.read_text())))


if __name__ == "__main__":
    sys.exit(main())

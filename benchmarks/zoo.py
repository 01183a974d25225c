"""The table of the published configurations in docs/model.md: size, cost, published figures, and our CPU's seconds.

Run: python -m benchmarks.zoo [--repeats 3] [--json FILE] [NAME ...]

Seconds are CPU seconds of one thread for one picture of 640 x 640 with `prepare_for_inference`, float32 and bf16, masks
included; medians. With a GPU they are its seconds by the clock.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from benchmarks.device import describe
from benchmarks.floor import clock, gmacs, median
from benchmarks.picture import picture
from sparseinst.model.inference import prepare_for_inference
from sparseinst.model.network import SparseInst, build_model
from tests.golden.recipe import golden_state

_SIDE = 640


@dataclass(frozen=True, slots=True)
class Published:
    """What the authors' README gives (hustvl/SparseInst a899015): COCO mask AP, and frames/s on a 2080 Ti."""

    ap_val: str = "-"
    ap_test: str = "-"
    fps: str = "-"


PUBLISHED = {
    "sparse_inst_r50_base": Published("32.8", "33.2", "44.3"),
    "sparse_inst_r50_giam": Published("33.4", "34.0", "44.6"),
    "sparse_inst_r50_giam_soft": Published("33.6", "-", "44.6"),
    "sparse_inst_r50_giam_aug": Published("34.2", "34.7", "44.6"),
    "sparse_inst_r50_dcn_giam_aug": Published("36.4", "36.8", "41.6"),
    "sparse_inst_r50vd_base": Published("34.1", "34.5", "42.6"),
    "sparse_inst_r50vd_giam": Published(),
    "sparse_inst_r50vd_giam_aug": Published("35.6", "36.1", "42.8"),
    "sparse_inst_r50vd_dcn_giam": Published(),
    "sparse_inst_r50vd_dcn_giam_aug": Published("37.4", "37.9", "40.0"),
    "sparse_inst_r101_giam": Published("34.9", "35.5", "-"),
    "sparse_inst_r101_dcn_giam": Published("36.4", "36.9", "-"),
    "sparse_inst_pvt_b1_giam": Published("35.3", "36.0", "33.5"),
    "sparse_inst_pvt_b2_li_giam": Published("37.2", "38.2", "26.5"),
    "sparse_inst_cspdarknet53_giam": Published("35.1", "-", "-"),
    "sparse_inst_darknet53_giam": Published(),
    "sparse_inst_r18_giam": Published(),
}


@dataclass(frozen=True, slots=True)
class Row:
    config: str
    parameters: int
    gmacs: float
    published: Published
    float32_seconds: float
    bf16_seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(PUBLISHED))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    torch.set_num_threads(1)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    print(f"{describe(device)}, one picture of {_SIDE} x {_SIDE}")
    print("| configuration | parameters | GMACs | AP val | AP test-dev | FPS | float32 s | bf16 s |")
    print("|---|---|---|---|---|---|---|---|")
    rows = []
    for name in options.names:
        rows.append(measure(name, device, options.repeats))
        print(as_markdown(rows[-1]), flush=True)
    if options.json:
        report = {
            "device": describe(device),
            "torch": torch.__version__,
            "side": _SIDE,
            "rows": list(map(asdict, rows)),
        }
        options.json.write_text(json.dumps(report, indent=1) + "\n")


@torch.no_grad()
def measure(name: str, device: torch.device, repeats: int) -> Row:
    model = build_model(name)
    if name != "sparse_inst_r18_giam":  # ours: the recipe has no rule for it
        model.load_state_dict(golden_state(model, name))
    model = model.eval().to(device)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    seconds = [
        seconds_of(prepare_for_inference(model, dtype), device, repeats) for dtype in (torch.float32, torch.bfloat16)
    ]
    return Row(name, parameters, gmacs(name, _SIDE, _SIDE), PUBLISHED.get(name, Published()), *seconds)


def seconds_of(model: SparseInst, device: torch.device, repeats: int) -> float:
    image = picture(_SIDE, _SIDE).to(device)

    def infer() -> object:
        return model.predict([image])[0].masks

    return median([clock(infer, device) for _ in range(repeats + 2)][2:])


def as_markdown(row: Row) -> str:
    published = row.published
    cells = [f"`{row.config}`", f"{row.parameters:,}", f"{row.gmacs:.1f}", published.ap_val, published.ap_test]
    cells += [published.fps, as_text(row.float32_seconds), as_text(row.bf16_seconds)]
    return f"| {' | '.join(cells)} |"


def as_text(seconds: float) -> str:
    return f"{seconds:.2f}" if seconds >= 0.1 else f"{seconds:.4f}"


if __name__ == "__main__":
    main()

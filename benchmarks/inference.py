"""What inference costs, for each way to run the model, side by side in one run, with the floor beside it.

Run: python -m benchmarks.inference [--config sparse_inst_r50_giam] [--size 640] [--threads 1] [--json FILE]

On a CPU figures are CPU seconds of this process, on a GPU seconds by the clock. The ways take turns, so that what the
machine does meanwhile meets all of them alike; medians. Weights are those of the reference figures (tests/golden),
the picture is drawn like theirs, so that some 70 instances are kept and their masks are as ragged as masks can be.
"""

from __future__ import annotations

import argparse
import copy
import json
import warnings
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor, nn

from benchmarks.device import describe
from benchmarks.floor import best_rate, clock, gmacs, median
from benchmarks.memory import peak_megabytes
from benchmarks.picture import picture
from sparseinst.export.contract import OUTPUTS, max_pixels
from sparseinst.export.decode import decode_reply
from sparseinst.export.torchscript import load_script, save_script, script
from sparseinst.masks.resample import Frame
from sparseinst.model.inference import prepare_for_inference
from sparseinst.model.inference.convolution import FusedConv
from sparseinst.model.inference.winograd import WinogradConv
from sparseinst.model.network import SparseInst, build_model
from sparseinst.model.postprocessing import DetectionOptions, detect
from sparseinst.model.preprocessing import padded_size
from tests.golden.recipe import golden_state

Raw = dict[str, Tensor]

WINOGRAD = "fused, Winograd"


@dataclass(frozen=True, slots=True)
class Way:
    """One way to run the model: the two halves of an inference."""

    name: str
    dtype: torch.dtype
    forward: Callable[[], object]
    finish: Callable[[object], int]  # from the forward's result to masks; gives the number of instances


@dataclass(slots=True)
class Figures:
    forward: float
    post: float
    full: float
    floor: float
    peak_mb: float
    instances: int
    largest_change: float  # of a raw output, against eager; NaN where the raw outputs are not given


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", default="sparse_inst_r50_giam")
    parser.add_argument("--size", type=int, default=640, help="sides of the picture in pixels")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    warnings.simplefilter("ignore", DeprecationWarning)
    torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    model = build_model(options.config)
    model.load_state_dict(golden_state(model, options.config))
    model = model.eval().requires_grad_(False).to(device)
    image = picture(options.size, options.size).to(device)
    macs = gmacs(options.config, options.size, options.size)
    rates = {dtype: best_rate(device, dtype) for dtype in (torch.float32, torch.bfloat16)}
    ways = ways_to_run(model, image)
    figures = measure(ways, model([image]), device, options.repeats)
    for way in ways:
        figures[way.name].floor = 2 * macs / rates[way.dtype]
    if WINOGRAD in figures:
        figures[WINOGRAD].floor *= 1 - 0.75 * winograd_share(model, image, macs)
    where = describe(device)
    print(f"{options.config}, {options.size} x {options.size}, {macs:.1f} GMACs, {where}, {options.threads} thread(s)")
    print(f"rate of a 3x3 convolution: {', '.join(f'{name(d)} {rate:.0f} GFLOP/s' for d, rate in rates.items())}")
    print_table(figures)
    if options.json:
        report = {"config": options.config, "size": options.size, "device": where, "threads": options.threads}
        report |= {"gmacs": macs, "torch": torch.__version__, "ways": {k: asdict(v) for k, v in figures.items()}}
        options.json.write_text(json.dumps(report, indent=1) + "\n")


def ways_to_run(model: SparseInst, image: Tensor) -> list[Way]:
    """Every way that the device has; the first is plain eager mode."""
    device = image.device.type
    float32, bfloat16 = torch.float32, torch.bfloat16
    channels_last = copy.deepcopy(model).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    folded = prepare_for_inference(model, winograd=False)
    for module in folded.modules():
        if isinstance(module, FusedConv):
            module.is_fused = False
    ways = [
        _eager("eager", model, image),
        _eager("channels last", channels_last, image),
        _eager("folded norms", folded, image),
    ]
    if device == "cpu":
        ways.append(_eager("fused", prepare_for_inference(model, winograd=False), image))
        ways.append(_eager(WINOGRAD, prepare_for_inference(model), image))
    ways.append(_eager("autocast bf16", channels_last, image, bfloat16))
    ways.append(_eager("fused bf16", prepare_for_inference(model, bfloat16), image, dtype=bfloat16))
    ways.append(_scripted("TorchScript", model, image))
    if device == "cuda":
        for dtype in (float32, bfloat16):
            compiled = copy.deepcopy(channels_last)
            for part in ("backbone", "encoder", "decoder"):
                setattr(compiled, part, torch.compile(getattr(compiled, part)))
            ways.append(_eager(f"compiled {name(dtype)}", compiled, image, dtype if dtype is bfloat16 else None))
    return ways


def _eager(
    title: str,
    model: SparseInst,
    image: Tensor,
    autocast: torch.dtype | None = None,
    dtype: torch.dtype = torch.float32,
) -> Way:
    size = (image.shape[1], image.shape[2])

    def forward() -> Raw:
        with torch.autocast(image.device.type, autocast, enabled=autocast is not None):
            return model([image])

    def finish(raw: object) -> int:
        assert isinstance(raw, dict)
        logits, objectness, masks = (raw[key][0] for key in ("pred_logits", "pred_scores", "pred_masks"))
        found = detect(
            logits,
            objectness,
            masks,
            frame=Frame(padded_size([image]), size, size),
            options=DetectionOptions.of(model.config),
        )
        return len(found.masks)

    return Way(title, autocast or dtype, forward, finish)


def _scripted(title: str, model: SparseInst, image: Tensor) -> Way:
    """The exported program, which scores and sorts in the graph; what is left is to draw the masks."""
    metadata = {"max_pixels": max_pixels(image.shape[1], image.shape[2], 1)}
    with TemporaryDirectory() as folder:
        file = Path(folder) / "model.pt"
        save_script(script(copy.deepcopy(model).to("cpu"), metadata), file, metadata)
        scripted, _ = load_script(file, image.device.type)
    batch, size = image[None], (image.shape[1], image.shape[2])

    def finish(outputs: object) -> int:
        assert isinstance(outputs, tuple)
        reply = {spec.name: output.cpu().numpy() for spec, output in zip(OUTPUTS, outputs, strict=True)}
        threshold = model.config.mask_threshold
        found = decode_reply(reply, sent=size, originals=[size], mask_threshold=threshold)
        return len(found[0])

    return Way(title, torch.float32, lambda: scripted(batch), finish)


def winograd_share(model: SparseInst, image: Tensor, macs: float) -> float:
    """The share of the multiply-adds that Winograd's algorithm does with a quarter of them."""
    covered = 0.0

    def count(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal covered
        covered += 9e-9 * inputs[0].shape[1] * output.numel()

    prepared = prepare_for_inference(model)
    for module in prepared.modules():
        if isinstance(module, WinogradConv):
            module.register_forward_hook(count)
    prepared([image])
    return covered / macs


@torch.no_grad()
def measure(ways: list[Way], reference: Raw, device: torch.device, repeats: int) -> dict[str, Figures]:
    """The medians of each way over rounds in which all take turns."""
    figures: dict[str, Figures] = {}
    for way in ways:
        raw = way.forward()
        change = (
            max(float((raw[key].float() - reference[key]).abs().max()) for key in reference)
            if isinstance(raw, dict)
            else float("nan")
        )
        instances = way.finish(raw)
        way.finish(way.forward())  # what is compiled, packed or loaded on first use is no part of the figures
        peak = peak_megabytes(lambda way=way: way.finish(way.forward()), device)  # type: ignore[misc]
        figures[way.name] = Figures(0, 0, 0, 0, peak, instances, change)
    forward, post = defaultdict(list), defaultdict(list)
    for _ in range(repeats):
        for way in ways:
            results: list[object] = []
            forward[way.name].append(clock(lambda way=way, out=results: out.append(way.forward()), device))  # type: ignore[misc]
            post[way.name].append(clock(lambda way=way, out=results: way.finish(out[0]), device))  # type: ignore[misc]
    for title, row in figures.items():
        row.forward, row.post = median(forward[title]), median(post[title])
        row.full = median([a + b for a, b in zip(forward[title], post[title], strict=True)])
    return figures


def print_table(figures: dict[str, Figures]) -> None:
    print(f"\n{'':<15}{'forward':>9}{'post':>8}{'full':>8}{'floor':>8}  {'peak MB':>8}{'inst/s':>8}  largest change")
    for title, row in figures.items():
        change = "-" if row.largest_change != row.largest_change else f"{row.largest_change:.1e}"
        print(
            f"{title:<15}{row.forward:9.3f}{row.post:8.3f}{row.full:8.3f}{row.floor:8.3f}  "
            f"{row.peak_mb:8.0f}{row.instances / row.full:8.0f}  {change}"
        )


def name(dtype: torch.dtype) -> str:
    return {torch.float32: "float32", torch.bfloat16: "bf16"}[dtype]


if __name__ == "__main__":
    with torch.no_grad():
        main()

"""`sparseinst drift`: live traffic against the evaluation of the model that serves it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sparseinst.cli.output import emit
from sparseinst.cli.place import use_local_stack
from sparseinst.cli.termination import undo_on_sigterm

if TYPE_CHECKING:
    from sparseinst.serving.drift.watch import Look

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _seconds(context: click.Context, parameter: click.Parameter, value: str) -> float:
    match = re.fullmatch(r"(\d+)([smhd])", value)
    if match is None or not int(match[1]):
        raise click.BadParameter(f"'{value}' is no time: write 90s, 15m, 1h or 2d.")
    return float(int(match[1]) * _UNITS[match[2]])


@click.command("drift")
@click.option("--model", default="", help="grpc://host:port/model: what this server serves is watched.")
@click.option(
    "--name", default="", help="What the model repository serves by this name is watched [default: sparseinst]."
)
@click.option(
    "--metrics-url", "urls", multiple=True, help="Triton's metrics, one for each server [default: the local stack's]."
)
@click.option(
    "--repository", default="", help="The model repository, a directory or s3://… [default: the local stack's]."
)
@click.option("--evaluation", type=click.Path(path_type=Path), help="An evaluation's folder, not the repository's.")
@click.option("--once", is_flag=True, help="Print a table of all since Triton was started, and end.")
@click.option("--window", callback=_seconds, default="1h", show_default=True, help="How far back each look goes.")
@click.option("--every", callback=_seconds, default="15s", show_default=True, help="How often to look.")
@click.option("--port", type=click.IntRange(0, 65535), default=9105, show_default=True, help="Where to serve /metrics.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at; 0.0.0.0 in a pod.")
@click.option("--json", "as_json", is_flag=True, help="With --once: print one JSON object.")
def command(
    model: str,
    name: str,
    urls: tuple[str, ...],
    repository: str,
    evaluation: Path | None,
    once: bool,
    window: float,
    every: float,
    port: int,
    host: str,
    as_json: bool,
) -> None:
    """Hold what a served model finds against what it found when it was evaluated.

    Serves gauges for Prometheus until it is ended, or prints one table with --once.

    \b
    Examples:
      sparseinst drift --once
      sparseinst drift --model grpc://127.0.0.1:8001/sparseinst --metrics-url http://127.0.0.1:8002/metrics \\
        --evaluation evaluation --window 6h
    """
    from sparseinst.serving.drift.exporter import Exporter
    from sparseinst.serving.drift.scrape import check_url
    from sparseinst.serving.drift.source import Source
    from sparseinst.serving.drift.watch import Watch, look_once

    _check(model, name, once, as_json, every, window)
    if not urls or not (repository or (model and evaluation)):
        stack_urls, stack_repository = _local_stack()
        urls, repository = urls or stack_urls, repository or stack_repository
    for url in urls:
        check_url(url)
    source = Source(name=name or "sparseinst", model=model, repository=repository, evaluation=evaluation)
    if once:
        look = look_once(source, urls)
        emit(look.to_dict(), as_json, list(_lines(look)))
        return
    undo_on_sigterm()
    with Exporter(Watch(source, urls, window), host, port) as exporter:
        exporter.run(every)


def _check(model: str, name: str, once: bool, as_json: bool, every: float, window: float) -> None:
    if model and name:
        raise click.UsageError("--model and --name both say which model; give one.")
    if as_json and not once:
        raise click.UsageError("--json goes with --once.")
    if every > window:
        raise click.UsageError("--every must not be longer than --window.")


def _local_stack() -> tuple[tuple[str, ...], str]:
    """Its metrics and its model repository; its credentials go into the environment."""
    from sparseinst.serving.stack.ports import HOST

    state = use_local_stack(instead="--metrics-url and --repository")
    return (f"http://{HOST}:{state.ports['metrics']}/metrics",), state.model_repository


def _lines(look: Look) -> Iterator[str]:
    reference = look.reference
    version = f" version {reference.version}" if reference.version else ""
    yield f"{reference.name}{version} ({reference.fingerprint}), all since Triton was started"
    yield f"live:       {look.found.pictures:.0f} pictures, {look.found.objects:.0f} objects"
    yield f"evaluation: {reference.found.pictures:.0f} pictures, {reference.found.objects:.0f} objects"
    if look.others:
        yield f"not counted, other models: {', '.join(look.others)}"
    yield ""
    yield f"{'':<20} {'PSI':>7} {'JS':>7} {'chance':>7}  verdict"
    for entry in look.distances:
        numbers = " ".join(_number(value) for value in (entry.psi, entry.js, entry.least))
        yield f"{entry.what:<20} {numbers}  {_verdict(entry.verdict, entry.reason)}"
    ratio = look.ratio
    yield ""
    yield f"{'':<20} {'live':>7} {'eval.':>7} {'chance':>7}  verdict"
    least = "-" if ratio.least is None else f"x{ratio.least:.2f}"
    yield (
        f"{'objects per picture':<20} {_number(ratio.live)} {_number(ratio.evaluation)} {least:>7}  "
        f"{_verdict(ratio.verdict, ratio.reason)}"
    )


def _number(value: float | None) -> str:
    return f"{'-' if value is None else format(value, '.3f'):>7}"


def _verdict(verdict: str, reason: str) -> str:
    return f"{verdict.replace('_', ' ')}{': ' + reason if reason else ''}"

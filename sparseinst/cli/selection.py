"""The options that say which of the found objects are kept."""

from __future__ import annotations

from collections.abc import Callable

import click


def selection_options(function: Callable[..., None]) -> Callable[..., None]:
    """--class-score, --mask-nms and --most, for the verbs that ask a model."""
    class_scores = click.option(
        "--class-score",
        "class_scores",
        multiple=True,
        metavar="NAME=SCORE",
        callback=_parse,
        help="The least score of one class; repeatable.",
    )
    nms = click.option(
        "--mask-nms",
        type=click.FloatRange(0, 1),
        default=0.0,
        help="Of two masks of one class that overlap by more than this IoU, keep the better. [default: off]",
    )
    most = click.option("--most", type=click.IntRange(min=0), default=0, help="Objects an image. [default: no limit]")
    return class_scores(nms(most(function)))


def _parse(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, float]:
    scores = {}
    for value in values:
        name, equals, number = value.rpartition("=")
        try:
            scores[name] = float(number)
        except ValueError:
            equals = ""
        if not equals or not 0 <= scores[name] <= 1:
            raise click.BadParameter(f"'{value}' is not NAME=SCORE with a score from 0 to 1, e.g. person=0.5")
    return scores

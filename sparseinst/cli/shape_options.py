"""The options that shape a data set on its way in: classes, split, sizes, and how much of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from sparseinst.data.shaping.config import ShapeConfig

_PIXELS = click.IntRange(min=0)
# An option that is not given is None or (): so it does not go over the file of --shape.
_OPTIONS = (
    click.option(
        "--shape",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="A YAML file with the settings below, e.g. `drop: [hair drier]`; options go over it.",
    ),
    click.option("--select", multiple=True, metavar="NAME", help="A class to keep, all others go; repeatable."),
    click.option("--drop", multiple=True, metavar="NAME", help="A class to leave out; repeatable."),
    click.option(
        "--merge",
        multiple=True,
        metavar="NEW=OLD,OLD",
        help=r"Makes one class of several, e.g. vehicle=car,bus; repeatable. A comma in a name is written \,",
    ),
    click.option("--rename", multiple=True, metavar="NEW=OLD", help="E.g. television=tv; repeatable."),
    click.option(
        "--contiguous", is_flag=True, default=None, help="Number the categories 1, 2, 3, …; the manifest has the map."
    ),
    click.option(
        "--val-share",
        type=click.FloatRange(0, 1, max_open=True),
        help="The part of the images that becomes val where the source has no val, e.g. 0.1.",
    ),
    click.option("--resplit", is_flag=True, default=None, help="Make a new split even where the source has one."),
    click.option(
        "--group-by",
        metavar="KEY",
        help="Images with the same key stay in one split: folder, name:REGEX (e.g. name:^[^_]+), field:NAME.",
    ),
    click.option(
        "--split-seed", "seed", type=click.IntRange(min=0), help="Another one gives another split. [default: 0]"
    ),
    click.option("--min-area", type=click.FloatRange(min=0), help="Leave out objects of fewer pixels."),
    click.option("--max-area", type=click.FloatRange(min=0), help="Leave out objects of more pixels."),
    click.option("--min-side", type=click.FloatRange(min=0), help="Leave out objects whose box has a shorter side."),
    click.option("--min-image-side", type=_PIXELS, help="Leave out images with a shorter side than this."),
    click.option("--max-image-side", type=_PIXELS, help="Leave out images with a longer side than this."),
    click.option(
        "--drop-empty/--keep-empty", default=None, help="Whether to leave out images without an object. [default: keep]"
    ),
    click.option(
        "--subset",
        type=click.IntRange(min=0),
        help="For a quick run: so many images of train, and of val in proportion.",
    ),
)


def shape_options(function: Callable[..., None]) -> Callable[..., None]:
    """--shape, --select, --drop and so on, for the verbs that bring a data set. `shape_config` takes their values."""
    return reduce(lambda decorated, option: option(decorated), reversed(_OPTIONS), function)


def shape_config(*, shape: Path | None, drop_empty: bool | None, **options: Any) -> ShapeConfig:
    """The settings of the options, over those of the file.

    Args:
        options: What `shape_options` gives by its names, which are those of ShapeConfig.

    Raises:
        ConfigError: A setting or value that there is not.
    """
    from sparseinst.data.shaping.file import load_shape

    given = {name: value for name, value in options.items() if value is not None and value != ()}
    if drop_empty is not None:
        given["keep_empty"] = not drop_empty
    return load_shape(shape, given)

"""What may be asked of a data set's shape; the defaults change nothing."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, fields
from typing import Any

from sparseinst.data.shaping.names import parse_merge, parse_rename
from sparseinst.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class ShapeConfig:
    """Recorded in the manifest of the data set. Classes go by the names that the source gives them."""

    select: tuple[str, ...] = ()  # the classes to keep, all others go; a class may also be called by its new name
    drop: tuple[str, ...] = ()  # the classes to leave out
    merge: tuple[str, ...] = ()  # "vehicle=car,bus" makes one class; it has the id of a class "vehicle", or car's
    rename: tuple[str, ...] = ()  # "television=tv"
    contiguous: bool = False  # category ids become 1, 2, 3, … in the order of the old ones
    val_share: float = 0.0  # the part of the images that becomes val, where the source has no val
    resplit: bool = False  # forget the source's own split
    group_by: str = ""  # what stays in one split: "folder", "name:REGEX", or "field:NAME" of the image entries
    seed: int = 0
    min_area: float = 0.0  # objects of fewer pixels are left out
    max_area: float = math.inf
    min_side: float = 0.0  # objects whose box has a shorter side than this are left out
    min_image_side: int = 0  # images whose shorter side is shorter are left out
    max_image_side: int = 0  # images whose longer side is longer are left out; 0: no limit
    keep_empty: bool = True  # images without an object are kept: they count in evaluation
    subset: int = 0  # so many images of train, and as many of val in proportion; 0: all

    def __post_init__(self) -> None:
        for text in self.merge:
            parse_merge(text)
        for text in self.rename:
            parse_rename(text)
        self._check_numbers()
        self._check_split()
        _check_group_by(self.group_by)

    def to_dict(self) -> dict[str, Any]:
        """Plain values of what is not as by default, as JSON and YAML have them."""
        values = {field.name: (getattr(self, field.name), field.default) for field in fields(self)}
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, (value, default) in values.items()
            if value != default
        }

    def _check_numbers(self) -> None:
        for name in ("min_area", "max_area", "min_side", "min_image_side", "max_image_side", "subset", "seed"):
            if not getattr(self, name) >= 0:  # not a number is refused too
                option = "--split-seed" if name == "seed" else _option(name)
                raise ConfigError(f"{getattr(self, name)} is less than nothing.", where=option, fix="Give 0 or more.")
        for least, most in (("min_area", "max_area"), ("min_image_side", "max_image_side")):
            low, high = getattr(self, least), getattr(self, most)
            if low > high and (most != "max_image_side" or high):
                problem = f"Nothing has at least {low:g} and at most {high:g} pixels."
                where = f"{_option(least)}, {_option(most)}"
                raise ConfigError(problem, where=where, fix="Give the smaller number first.")

    def _check_split(self) -> None:
        if not 0 <= self.val_share < 1:
            fix = "Give a number from 0 up to, but not, 1; e.g. 0.1"
            raise ConfigError(f"{self.val_share} is no part that leaves something.", where="--val-share", fix=fix)
        for name in ("resplit", "group_by"):
            if getattr(self, name) and not self.val_share:
                problem = f"{_option(name)} says how to split, but nothing says how much becomes val."
                raise ConfigError(problem, where=_option(name), fix="Add --val-share, e.g. --val-share 0.1")


def _check_group_by(text: str) -> None:
    kind, colon, rest = text.partition(":")
    if text in ("", "folder") or (kind == "field" and rest):
        return
    if kind != "name" or not colon or not rest:
        fix = "Give folder, name:REGEX (e.g. name:^[^_]+) or field:NAME (e.g. field:patient)"
        raise ConfigError(f"'{text}' is nothing to group by.", where="--group-by", fix=fix)
    try:
        re.compile(rest)
    except re.error as error:
        fix = "Give an expression as Python has them, e.g. name:^[^_]+"
        raise ConfigError(f"'{rest}' is no regular expression: {error}.", where="--group-by", fix=fix) from error


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")

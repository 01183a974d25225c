"""What becomes of the classes: kept, left out, merged or renamed."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from sparseinst.data.categories import Category
from sparseinst.data.shaping.config import ShapeConfig
from sparseinst.data.shaping.names import parse_merge, parse_rename, write_names
from sparseinst.data.shaping.table import Ints
from sparseinst.errors import ConfigError

_MOST_NAMES = 20  # that an error lists


@dataclass(frozen=True, slots=True)
class ClassPlan:
    """The new classes.

    Attributes:
        place: Place in the new list for each place in the old one, -1 where the class is left out; int64 [C].
        categories: Sorted by id.
        category_map: As `Shaped` has it.
    """

    place: Ints
    categories: list[Category]
    category_map: dict[int, int | None]


def plan_classes(categories: Sequence[Category], config: ShapeConfig) -> ClassPlan:
    """Says what becomes of each class.

    Raises:
        ConfigError: A class is not there, or two settings want different things of one. All that is wrong is told.
    """
    wishes = _Wishes(categories)
    for name in config.drop:
        wishes.use(wishes.find(name, "--drop"), "dropped")
    for new, olds in _merges(config).items():
        wishes.merge(new, olds)
    for text in config.rename:
        wishes.rename(*parse_rename(text))
    if config.select:
        wishes.select(config.select)
    problems = wishes.all_problems()
    if problems:
        raise ConfigError(
            "The classes cannot be made as asked.",
            where=", ".join(f"--{name}" for name in ("select", "drop", "merge", "rename") if getattr(config, name)),
            details=problems,
            fix=f"The source has {_listed([category.name for category in categories])}.",
        )
    return _plan(categories, wishes, config.contiguous)


def _merges(config: ShapeConfig) -> dict[str, list[str]]:
    """The old names by the new one; a new name may be given several times."""
    merges: dict[str, list[str]] = {}
    for text in config.merge:
        new, olds = parse_merge(text)
        merges.setdefault(new, []).extend(olds)
    return merges


class _Wishes:
    """What the settings want of each class, by its place in the list, and what is wrong with that."""

    def __init__(self, categories: Sequence[Category]) -> None:
        self.old_names = [category.name for category in categories]
        self.names = list(self.old_names)
        self.heads = list(range(len(categories)))  # the place of the class whose id it gets
        self.kept = [True] * len(categories)
        self._problems: list[str] = []
        self._uses: defaultdict[int, list[str]] = defaultdict(list)
        self._places: dict[str, list[int]] = {}
        for place, name in enumerate(self.old_names):
            self._places.setdefault(name, []).append(place)

    def find(self, name: str, option: str, also: Iterable[str] = ()) -> list[int]:
        """The places of a class, more than one where the source uses a name twice. Notes where there is none."""
        for written in (name, name.strip()):
            if written in self._places:
                return self._places[written]
        close = difflib.get_close_matches(name, {*self.old_names, *also}, n=1, cutoff=0.5)
        hint = f"; did you mean '{close[0]}'?" if close else ""
        self._problems.append(f"{option}: there is no class '{name}'{hint}")
        return []

    def use(self, places: Iterable[int], use: str) -> None:
        """Notes what a class is used for, and says what is wrong where that is the second thing."""
        for place in places:
            if use not in self._uses[place]:
                self._uses[place].append(use)
            self.kept[place] &= use != "dropped"

    def merge(self, new: str, olds: Sequence[str]) -> None:
        namesakes = self._places.get(new, [])
        members = [*namesakes, *(place for old in olds for place in self.find(old, "--merge"))]
        self.use(members, f"merged into '{new}'")
        for place in members:
            self.names[place], self.heads[place] = new, members[0]

    def rename(self, new: str, old: str) -> None:
        places = self.find(old, "--rename")
        self.use(places, f"renamed to '{new}'")
        for place in places:
            self.names[place] = new

    def select(self, names: Sequence[str]) -> None:
        chosen = {place for name in names for place in self._called(name)}
        for place, name in enumerate(self.old_names):
            uses = " and ".join(self._uses[place])
            if place in chosen and not self.kept[place]:
                self._problems.append(f"'{name}' is selected and {uses}")
            elif place not in chosen and uses and self.kept[place]:
                self._problems.append(f"'{name}' is {uses}, but not selected")
            self.kept[place] &= place in chosen

    def _called(self, name: str) -> list[int]:
        """The class of an old name, with what is merged into it; or all that gets the new name."""
        if name not in self._places and name in self.names:
            return [place for place, new in enumerate(self.names) if new == name]
        olds = self.find(name, "--select", self.names)
        heads = {self.heads[place] for place in olds if self.names[place] == name}
        return [*olds, *(place for place, head in enumerate(self.heads) if head in heads)]

    def all_problems(self) -> list[str]:
        """A sentence for each thing that is wrong, without its full stop."""
        twice = [
            f"'{self.old_names[place]}' is {' and '.join(uses)}" for place, uses in self._uses.items() if len(uses) > 1
        ]
        problems = [*self._problems, *twice, *self._same_names()]
        if not problems and not any(self.kept) and self.kept:
            problems.append("no class is left")
        return problems

    def _same_names(self) -> Iterator[str]:
        """Classes that would get one name. Where the source itself has a name twice, that is the checks' matter."""
        heads: defaultdict[str, set[int]] = defaultdict(set)
        for place, name in enumerate(self.names):
            if self.kept[place]:
                heads[name].add(self.heads[place])
        for name, places in heads.items():
            olds = sorted({self.old_names[place] for place in places})
            if len(places) > 1 and olds != [name]:
                yield f"{_listed(olds)} would all be called '{name}': use --merge {write_names(name, olds)}"


def _plan(categories: Sequence[Category], wishes: _Wishes, contiguous: bool) -> ClassPlan:
    heads = [place for place, head in enumerate(wishes.heads) if wishes.kept[place] and head == place]
    ids = [number if contiguous else categories[place].id for number, place in enumerate(heads, 1)]
    made = [Category(new_id, wishes.names[place]) for new_id, place in zip(ids, heads, strict=True)]
    numbers = {place: number for number, place in enumerate(heads)}
    places = [numbers[head] if kept else -1 for head, kept in zip(wishes.heads, wishes.kept, strict=True)]
    ids_by_old = {
        category.id: ids[place] if place >= 0 else None for category, place in zip(categories, places, strict=True)
    }
    changed = made != list(categories)
    return ClassPlan(np.array(places, np.int64), made, ids_by_old if changed else {})


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more classes" if more > 0 else "")

"""The good file of the zoo after some of its values were replaced or lost, by hypothesis."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

from tests.data.checks.zoo import GOOD

_ODD_NUMBERS = [0, -1, 1e308, -1e308, 2**63, -(2**63), 10**400, float("nan"), float("inf"), 0.5, 1e-320, True]
_VALUES = st.one_of(
    st.sampled_from([None, "", "\ud800", "8", [], {}, [[]], [[[]]], {"size": [8, 10]}, *_ODD_NUMBERS]),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.lists(st.floats(-20, 40) | st.integers(-5, 20), max_size=9),
    st.lists(st.lists(st.floats(-20, 40), max_size=9), max_size=3),
    st.fixed_dictionaries({"size": st.lists(st.integers(-1, 12), max_size=3), "counts": st.text(max_size=9)}),
    st.fixed_dictionaries({"size": st.just([8, 10]), "counts": st.lists(st.integers(-1, 90), max_size=6)}),
)


def damaged(data: st.DataObject, good: Any = GOOD, values: st.SearchStrategy[Any] = _VALUES) -> Any:
    """The good content after up to three changes: a value from the strategy in place of another, or one lost."""
    content: Any = copy.deepcopy(good)
    for _ in range(data.draw(st.integers(1, 3))):
        possible = _places(content)
        if not possible:
            break
        *path, last = data.draw(st.sampled_from(possible))
        place = content
        for key in path:
            place = place[key]
        if data.draw(st.booleans()):
            place[last] = copy.deepcopy(data.draw(values))  # the strategy gives the same list again
        else:
            del place[last]
    return content


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in nested lists and objects, apart from the whole."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, inner in items for place in ((*path, key), *_places(inner, (*path, key)))]

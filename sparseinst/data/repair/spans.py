"""Where the entries of a list lie in its text, so that those that are right can be copied as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from sparseinst.data.coco_file.outline import STEP

Span = tuple[int, int]

_QUOTE, _COMMA = ord('"'), ord(",")
_STRUCTURAL = STEP != 0
_STRUCTURAL[[_QUOTE, _COMMA]] = True
_SPACE = b" \t\r\n"


def entry_spans(text: bytes, *, is_first: bool) -> list[Span]:
    """Begin and end of the text of each entry, with the spaces around it and without commas.

    Args:
        text: Valid JSON without the list's brackets.
        is_first: Whether it begins with the list's first entry; otherwise it begins with a comma.
    """
    if is_first and not text.strip(_SPACE):
        return []
    plain = text.replace(b"\\\\", b"__").replace(b'\\"', b"__")  # so that every quote begins or ends a text
    letters = np.frombuffer(plain, np.uint8)
    places = np.flatnonzero(_STRUCTURAL[letters])
    kinds = letters[places]
    is_outside = np.cumsum(kinds == _QUOTE) % 2 == 0
    depth = np.cumsum(np.where(is_outside, STEP[kinds], 0))
    commas = places[is_outside & (kinds == _COMMA) & (depth == 0)].tolist()
    edges = [*([-1] if is_first else []), *commas, len(text)]
    return [(start + 1, end) for start, end in pairwise(edges)]


def changed_texts(text: bytes, spans: Sequence[Span], new: Mapping[int, bytes | None]) -> list[bytes]:
    """The texts of all entries that are left; `new` has those that change, by their place, and None for the deleted."""
    texts = []
    for place, (start, end) in enumerate(spans):
        entry, replacement = text[start:end], new.get(place, b"")
        if replacement is None:
            continue
        texts.append(_within_its_spaces(entry, replacement) if replacement else entry)
    return texts


def _within_its_spaces(old: bytes, new: bytes) -> bytes:
    content = old.strip(_SPACE)
    before, _, after = old.partition(content)
    return before + new + after

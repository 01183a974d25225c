"""Every finding that can be repaired, and how. What is not here needs a person.

Safe is what drops information that nobody can use, or derives what the rest of the file says. What takes a decision
away from the people who made the data is done on request only.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from typing import NamedTuple

from sparseinst.data.checks.codes import CODES
from sparseinst.errors import ConfigError


class Repair(NamedTuple):
    done: str
    is_safe: bool = True


_PART = "the part is deleted; where no part is left, the annotation"

REPAIRS: Mapping[str, Repair] = {
    "JSON-BOM": Repair("dropped"),
    "JSON-TYPE": Repair('null in a list deleted; "640" and 640.0 become 640 where no two things get the same id'),
    "ID-MISSING": Repair("an annotation gets an id above the largest"),
    "ID-RANGE": Repair("an annotation gets an id above the largest"),
    "ID-TWICE": Repair("the later annotation gets an id above the largest; of equal images or categories one is left"),
    "ANN-ID-ZERO": Repair("the annotation gets an id above the largest"),
    "CAT-NAME-ALIKE": Repair("spaces around a name dropped, where no other class has the name; nothing about case"),
    "CAT-NAME-TWICE": Repair("the later class merged into the first", is_safe=False),
    "CAT-UNKNOWN": Repair("the annotation deleted", is_safe=False),
    "IMG-UNKNOWN": Repair("the annotation deleted", is_safe=False),
    "IMG-NAME-OUT": Repair('a leading "/" and ".." dropped, where no other image has the name'),
    "IMG-NAME-TWICE": Repair("images of one size joined: the later's annotations go to the first", is_safe=False),
    "ANN-CROWD": Repair('"0", "1", 0.0 and 1.0 become 0 and 1; anything else is left'),
    "ANN-AREA": Repair("the mask's pixels"),
    "ANN-AREA-TYPE": Repair("the mask's pixels"),
    "ANN-AREA-NONE": Repair("the mask's pixels"),
    "ANN-BOX": Repair("the mask's box"),
    "ANN-BOX-TYPE": Repair("the mask's box"),
    "ANN-BOX-CORNERS": Repair("the mask's box"),
    "ANN-BOX-NONE": Repair("the mask's box"),
    "ANN-TWICE": Repair("the later annotation deleted, unless only one of the two is a crowd region"),
    "SEG-MISSING": Repair("the annotation deleted", is_safe=False),
    "SEG-EMPTY": Repair("the annotation deleted: it says no mask"),
    "SEG-NO-PIXEL": Repair("the annotation deleted, unless its coordinates are fractions"),
    "SEG-TYPE": Repair("a flat list of coordinates becomes one polygon; null among polygons is deleted"),
    "SEG-NUMBER": Repair(f"numbers written as texts are read; else {_PART}"),
    "SEG-POLY-ODD": Repair(_PART),
    "SEG-POLY-SHORT": Repair(_PART),
    "SEG-PART-TWICE": Repair("the later part deleted"),
    "SEG-OUTSIDE": Repair("clipped to the image, where every pixel stays as it is"),
    "SEG-RLE-SIZE": Repair("a missing size becomes the image's, where the counts fill it exactly"),
    "SEG-RLE-COUNTS": Repair("the annotation deleted", is_safe=False),
    "SEG-NORMALISED": Repair("multiplied by the image's width and height", is_safe=False),
    "SEG-BOX": Repair("the annotation deleted", is_safe=False),
    "SEG-HOLE": Repair("the inner polygon cut out, written as RLE", is_safe=False),
}


def chosen_codes(only: Collection[str] = (), also: Collection[str] = ()) -> frozenset[str]:
    """The codes to repair: `only` those, else all that are safe; and those in `also`.

    Raises:
        ConfigError: There is no such code, or no repair for it.
    """
    for code in (*only, *also):
        if code not in REPAIRS:
            raise _no_repair(code)
    return frozenset(only or (code for code, repair in REPAIRS.items() if repair.is_safe)) | frozenset(also)


def _no_repair(code: str) -> ConfigError:
    if code in CODES:
        problem, fix = f"{code} cannot be repaired by a program.", "`sparseinst repair --list` shows what can."
    else:
        close = difflib.get_close_matches(code.upper(), REPAIRS, n=1)
        problem = f"There is no finding {code!r}."
        fix = f"Did you mean {close[0]}?" if close else "`sparseinst repair --list` shows all codes."
    return ConfigError(problem, where="--only, --also", fix=fix)

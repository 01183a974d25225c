"""The run lengths in very many compressed RLEs at once, and which of those texts are damaged.

`counts_of_rle_string` says how they are written, and reads one text letter by letter; here every step is one NumPy
operation over some hundred texts, which is some 40 times as fast. That many are to be looked at where another program
wrote them: pycocotools and hotcoco read a damaged text beyond its end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.signedinteger]

_BATCH_LETTERS = 1 << 18  # so that the numbers of a batch stay in a core's cache
_MOST_DIGITS = 10  # of 5 bits; pycocotools writes at most 7 for 2**31 pixels, and no shift may leave 64 bits
_INT32_DIGITS = 6


class Chain(NamedTuple):
    """Every second number of some texts, which lie one behind the other; from its start on, each text has a part.

    Attributes:
        counts: int32 or int64 [n].
        starts: The place of each text's first count here, int64 [texts].
        lengths: How many each text has, int64 [texts].
    """

    counts: Numbers
    starts: Ints
    lengths: Ints


def damaged_rle_strings(texts: Sequence[str], pixels: Sequence[int]) -> dict[int, str]:
    """Which compressed RLEs are not those of a mask of so many pixels.

    Args:
        texts: The `counts` of each.
        pixels: Height times width of each one's image, below 2**31.

    Returns:
        The place of each damaged text, and what is wrong with it. All others can be given to pycocotools.
    """
    faults: dict[int, str] = {}
    for begin, end in _batches(texts):
        chains, found = _read(texts[begin:end])
        found |= {
            place: fault
            for place, fault in _unfit(chains, np.array(pixels[begin:end], np.int64)).items()
            if place not in found
        }
        faults |= {begin + place: found[place] for place in sorted(found)}
    return faults


def rle_strings_to_counts(texts: Sequence[str]) -> tuple[list[Ints], dict[int, str]]:
    """The run lengths in some compressed RLEs, which should be no more than fit into memory as numbers.

    Returns:
        The counts of each text, int64 [n]; and the place of each text that is no RLE, whose counts are empty, with what
        is wrong with it. Numbers of more than 50 bits, which no mask has, are wrong, too.
    """
    chains, faults = _read(texts)
    counts = np.zeros(sum(len(chain.counts) for chain in chains), np.int64)
    for parity, chain in enumerate(chains):
        counts[parity::2] = chain.counts
    ends = np.cumsum(chains[0].lengths + chains[1].lengths)
    return np.split(counts, ends[:-1]) if len(texts) else [], faults


def _batches(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    begin = letters = 0
    for number, text in enumerate(texts):
        letters += len(text)
        if letters >= _BATCH_LETTERS:
            yield begin, number + 1
            begin, letters = number + 1, 0
    if begin < len(texts):
        yield begin, len(texts)


def _read(texts: Sequence[str]) -> tuple[tuple[Chain, Chain], dict[int, str]]:
    """The even and the odd numbers of all texts together, and the texts that are no RLE, which count as empty."""
    texts = list(texts)
    faults = {place: "the counts have a letter that is not ASCII" for place, t in enumerate(texts) if not t.isascii()}
    wrong = dict(faults)
    while True:
        for place in wrong:
            texts[place] = ""
        groups = np.frombuffer("".join(texts).encode("ascii"), np.uint8) - np.uint8(48)
        ends = np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)))
        wrong = _wrong_letters(groups, ends) or _wrong_ends(groups, ends)
        faults |= wrong
        if not wrong:
            break
    last = np.flatnonzero(groups < 32)  # of the groups of each number
    numbers = _numbers(groups, last)
    number_ends = np.searchsorted(last, ends)
    return (_chain(numbers, number_ends, 0), _chain(numbers, number_ends, 1)), faults


def _unfit(chains: Sequence[Chain], pixels: Ints) -> dict[int, str]:
    """Texts whose counts are negative or do not fill their image."""
    faults: dict[int, str] = {}
    sums = np.zeros(len(pixels), np.int64)
    for counts, starts, lengths in chains:
        if counts.min(initial=0) < 0:
            owners = np.searchsorted(starts + lengths, np.flatnonzero(counts < 0), side="right")
            faults |= dict.fromkeys(owners.tolist(), "a count is below 0")
        filled = np.flatnonzero(lengths)
        if filled.size:
            sums[filled] += np.add.reduceat(counts, starts[filled], dtype=np.int64)
    for place in np.flatnonzero(sums != pixels).tolist():
        faults.setdefault(place, f"the counts sum to {sums[place]}, the image has {pixels[place]} pixels")
    return faults


def _wrong_letters(groups: Bytes, ends: Ints) -> dict[int, str]:
    if groups.max(initial=0) < 64:
        return {}
    places = np.flatnonzero(groups >= 64)
    owners, first = np.unique(np.searchsorted(ends, places, side="right"), return_index=True)
    letters = (groups[places[first]] + np.uint8(48)).tolist()
    pairs = zip(owners.tolist(), letters, strict=True)
    return {owner: f"the counts have the letter {chr(letter)!r}, which no RLE has" for owner, letter in pairs}


def _wrong_ends(groups: Bytes, ends: Ints) -> dict[int, str]:
    """Texts that end within a number, or have one that is too long."""
    filled = np.flatnonzero(np.diff(ends, prepend=0))
    open_ends = filled[groups[ends[filled] - 1] >= 32]
    faults = dict.fromkeys(open_ends.tolist(), "the counts end in the middle of a number")
    goes_on = groups >= 32
    for step in (1, 2, 4, 2):  # from runs of 1 to those of 2, 4, 8 and 10
        goes_on = goes_on[step:] & goes_on[:-step]
    if goes_on.any():
        owners = np.searchsorted(ends, np.flatnonzero(goes_on), side="right")
        faults |= dict.fromkeys(owners.tolist(), "the counts have a number of more than 50 bits")
    return faults


def _numbers(groups: Bytes, last: Ints) -> Numbers:
    """The numbers whose last groups are at `last`; the highest bit of that group is the sign.

    Nearly all have one or two groups: those are computed for every letter, as if a number ended there, which is sooner
    done than finding out where they do.
    """
    goes_on = groups >= 32
    low = (groups & 31) * goes_on
    pairs = (groups.astype(np.int16) & 31 ^ 16) - 16
    pairs[1:] += (pairs[1:] * 31 + low[:-1]) * goes_on[:-1]
    long = np.flatnonzero(goes_on[:-2] & goes_on[1:-1] & ~goes_on[2:]) + 2
    rows, first = np.searchsorted(last, long), long - 2
    numbers = pairs.take(last).astype(np.int32)
    digits = 3
    while rows.size:
        if digits > _INT32_DIGITS:
            numbers = numbers.astype(np.int64)
        numbers[rows] = numbers[rows] << 5 | low[first]
        longer = goes_on[first - 1] & (first > 0)
        rows, first, digits = rows[longer], first[longer] - 1, digits + 1
    return numbers


def _chain(numbers: Numbers, ends: Ints, parity: int) -> Chain:
    """The even or odd ones of all numbers, as counts.

    From the fourth number of a text on, a number is the difference to the one two places before it. They are summed up
    over all texts; what the texts before have brought in is taken off again. A sum that leaves its type comes back when
    that is taken off: counts are exact modulo the type, as pycocotools' are.
    """
    begins = np.concatenate([np.zeros(1, np.int64), ends[:-1]])[: len(ends)]
    starts, stops = (begins + 1 - parity) // 2, (ends + 1 - parity) // 2
    lengths = stops - starts
    own = numbers[parity::2]
    sums = np.concatenate([np.zeros(1, own.dtype), np.cumsum(own, dtype=own.dtype)])
    with_first = (begins % 2 == parity) & (lengths > 0)  # a text's first number is no part of the sums behind it
    counts = sums[1:] - np.repeat(sums[starts + with_first], lengths)
    counts[starts[with_first]] = own[starts[with_first]]
    return Chain(counts, starts, lengths)

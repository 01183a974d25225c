"""What an evaluation says, in sentences: how good it is, what would help most, and what to be careful about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sparseinst.evaluation.report.calibration import about_calibration
from sparseinst.evaluation.report.classes import about_lost, about_weakest, class_rows
from sparseinst.evaluation.report.curves import about_best
from sparseinst.evaluation.report.errors import about_errors
from sparseinst.evaluation.report.figures import about_undefined, aps_by_size
from sparseinst.evaluation.report.slices import about_worst
from sparseinst.evaluation.report.values import listed, part, real, score, text
from sparseinst.evaluation.report.versus import about_difference
from sparseinst.pages.words import joined

_NOTHING = 0.01  # an AP that is as good as none
_MUCH = 2.0  # times the AP of one size of objects is that of another, to be worth a sentence
_GATE = {"pass": ("good", "passed"), "fail": ("error", "failed"), "investigate": ("warning", "investigate")}
_OUTCOMES = {"pass": "good", "fail": "error", "investigate": "warning"}


class Sentence(NamedTuple):
    """How grave it is ("good", "note", "warning" or "error"), what it is about, and what is to be said."""

    severity: str
    label: str
    text: str


class Standing(NamedTuple):
    """The first thing that the page says: "good", "note", "warning" or "error", a word for a badge, a sentence."""

    severity: str
    word: str
    sentence: str


def standing(metrics: Mapping[str, Any], comparison: Mapping[str, Any], verdict: Mapping[str, Any]) -> Standing:
    """The gate's decision where there is one, else the comparison's, else the AP alone."""
    ap, decision = real(metrics, "AP"), text(verdict, "decision")
    if decision:
        severity, word = _GATE.get(decision, ("note", decision))
        reasons = _reasons(verdict)
        why = f" {reasons[0].text}" if len(reasons) == 1 else ""
        return Standing(severity, word, f"The gate said “{decision}”.{why}")
    if ap is None:
        reason = text(part(metrics, "undefined"), "AP")
        return Standing("warning", "undefined", f"There is no AP{f': {reason}' if reason else ' in these metrics'}.")
    if (difference := about_difference(comparison)) is not None:
        word = {"good": "better", "warning": "worse"}.get(difference[0], "no difference")
        return Standing(difference[0], word, difference[1])
    if ap < _NOTHING:
        return Standing("warning", "finds nothing", f"AP is {score(ap)}: the model finds next to nothing.")
    return Standing("note", "measured", _about_ap(metrics, ap))


def sentences(
    metrics: Mapping[str, Any], comparison: Mapping[str, Any], verdict: Mapping[str, Any]
) -> Iterator[Sentence]:
    """What to look at and what to do, after the standing: the gate's reasons, what costs most, what to know."""
    if len(reasons := _reasons(verdict)) > 1:
        yield from reasons
    if verdict and (difference := about_difference(comparison)) is not None:
        yield Sentence(difference[0], "Incumbent", difference[1])
    rows = class_rows(metrics, comparison)
    told = [
        Sentence("note", "Would help most", about_errors(metrics)),
        Sentence("note", "Sizes", _about_sizes(metrics)),
        Sentence("note", "Weakest images", about_worst(metrics)),
        Sentence("warning", "Never found", about_lost(rows)),
        Sentence("note", "Weakest classes", about_weakest(rows)),
        Sentence("note", "Score threshold", about_best(metrics)),
    ]
    if (calibration := about_calibration(metrics)) is not None:
        told.append(Sentence(calibration[0], "Scores", calibration[1]))
    told += [Sentence("warning", "Undefined", sentence) for sentence in about_undefined(metrics)]
    told += [Sentence("warning", "To know", text(note, "text")) for note in listed(metrics, "notes")]
    yield from (sentence for sentence in told if sentence.text)


def _about_ap(metrics: Mapping[str, Any], ap: float) -> str:
    halves = [(name, value) for name in ("AP50", "AP75") if (value := real(metrics, name)) is not None]
    further = f" ({joined([f'{name} {score(value)}' for name, value in halves])})" if halves else ""
    return f"Mask AP is {score(ap)}{further}; nothing to compare it with was given."


def _about_sizes(metrics: Mapping[str, Any]) -> str:
    sizes = aps_by_size(metrics)
    if len(sizes) < 2 or sizes[-1][1] < _MUCH * sizes[0][1] or sizes[-1][1] < _NOTHING:
        return ""
    (worst, low), (best, high) = sizes[0], sizes[-1]
    more = " Larger images (input.short_side) help small objects." if worst == "small" else ""
    return (
        f"{worst.capitalize()} objects are found worst: AP {score(low)}, against {score(high)} for {best} ones.{more}"
    )


def _reasons(verdict: Mapping[str, Any]) -> Sequence[Sentence]:
    """Of the gate: texts, or objects with `text` and `outcome`; what was not asked is left out."""
    found = verdict.get("reasons")
    said: list[Sentence] = []
    for reason in found if isinstance(found, list | tuple) else []:
        if isinstance(reason, Mapping):
            outcome = text(reason, "outcome")
            if outcome != "not asked" and text(reason, "text"):
                said.append(Sentence(_OUTCOMES.get(outcome, "note"), "Gate", _as_sentence(text(reason, "text"))))
        else:
            said.append(Sentence("note", "Gate", _as_sentence(str(reason))))
    return said


def _as_sentence(reason: str) -> str:
    return f"{reason[:1].upper()}{reason[1:]}".rstrip(".") + "."

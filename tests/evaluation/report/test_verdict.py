"""What is said about an evaluation."""

from __future__ import annotations

from typing import Any

import pytest

from sparseinst.evaluation.report.verdict import sentences, standing
from tests.evaluation.report.example import comparison, metrics


def _said(label: str, found: dict[str, Any], against: dict[str, Any] | None = None, **verdict: Any) -> list[str]:
    return [each.text for each in sentences(found, against or {}, verdict) if each.label == label]


def _interval(low: float | None, high: float | None, difference: float = 0.01) -> dict[str, Any]:
    values = {"candidate": 0.35, "incumbent": 0.34, "difference": difference, "low": low, "high": high}
    return {"AP": {**values, "confidence": 0.95, "resamples": 1000, "p_worse": 0.2}}


def test_the_largest_error_is_named_with_its_cost_and_what_helps() -> None:
    (said,) = _said("Would help most", metrics())
    assert said.startswith(
        "Missed objects (objects that no detection comes near): without these 8\u202f211 errors AP50"
    )
    assert "would rise from 0.561 to 0.679." in said
    assert "input.short_side" in said


def test_errors_that_cost_nothing_are_not_spoken_of() -> None:
    kinds = {kind: {"count": 0, "AP50_lost": lost} for kind, lost in (("missed", 0.0), ("background", None))}
    assert _said("Would help most", metrics(errors={"AP50": 1.0, "kinds": kinds})) == []


def test_the_weakest_slice_and_the_weakest_classes_are_named() -> None:
    assert _said("Weakest images", metrics()) == [
        "Images with 30-99 objects: AP 0.221, against 0.353 for all (100 images, 5\u202f785 objects)."
    ]
    (said,) = _said("Weakest classes", metrics())
    assert said.startswith("<script>")  # a class's name
    assert "(AP 0.066, " in said
    assert _said("Never found", metrics())[0].startswith("kite: AP 0, though there are objects.")


def test_a_slice_that_is_no_worse_than_all_is_not_called_weak() -> None:
    assert _said("Weakest images", metrics(worst_slice={"by": "tag", "name": "x", "AP": 0.353, "instances": 9})) == []


def test_few_classes_have_no_weakest_ones() -> None:
    assert _said("Weakest classes", metrics(["a", "b", "c"])) == []


@pytest.mark.parametrize(
    ("score", "precision", "severity", "begins"),
    [
        (0.8, 0.5, "note", "The model is overconfident: a detection scores 0.80 on average, and 50\u202f% of them"),
        (0.5, 0.8, "note", "The model is underconfident"),
        (0.5, 0.52, "good", "Scores mean what they say"),
    ],
)
def test_scores_are_too_high_too_low_or_honest(score: float, precision: float, severity: str, begins: str) -> None:
    one = {"low": 0.0, "high": 1.0, "count": 100, "score": score, "precision": precision}
    found = metrics(calibration={"ece": abs(score - precision), "bins": [one, {**one, "count": 0, "score": None}]})
    (said,) = [each for each in sentences(found, {}, {}) if each.label == "Scores"]
    assert said.severity == severity
    assert said.text.startswith(begins)


def test_scores_that_are_too_high_here_and_too_low_there_are_told_apart() -> None:
    values = [(0.15, 0.05, 500), (0.25, 0.15, 50), (0.45, 0.7, 90), (0.55, 0.0, 3)]
    found = [
        {"low": round(score - 0.05, 2), "high": round(score + 0.05, 2), "count": n, "score": score, "precision": right}
        for score, right, n in values
    ]
    (said,) = _said("Scores", metrics(calibration={"ece": 0.1, "bins": found}))
    assert said.startswith("Scores from 0.1 to 0.3 promise too much, those from 0.4 to 0.5 too little: a detection")


def test_notes_of_the_file_and_the_reason_of_undefined_numbers_are_warnings() -> None:
    (note,) = _said("To know", metrics())
    assert note.startswith("3 images have more than 100 objects")
    (said,) = _said("Undefined", metrics())
    assert said.startswith("ARs is undefined: the truth has no object")
    both = {"ARs": "no object is small", "APs": "no object is small"}
    assert _said("Undefined", metrics(APs=None, undefined=both)) == ["APs and ARs are undefined: no object is small."]


@pytest.mark.parametrize(
    ("low", "high", "difference", "word", "part"),
    [
        (
            0.004,
            0.02,
            0.01,
            "better",
            "and not by chance: with a confidence of 95\u202f% the difference is between +0.004",
        ),
        (-0.02, -0.004, -0.01, "worse", "Worse than the incumbent by −0.010 AP"),
        (-0.004, 0.02, 0.01, "no difference", "No difference from the incumbent can be told from chance"),
        (None, None, 0.01, "no difference", "too few images to say how sure that is"),
    ],
)
def test_a_difference_is_one_only_where_its_interval_leaves_out_0(
    low: float | None, high: float | None, difference: float, word: str, part: str
) -> None:
    found = standing(metrics(), _interval(low, high, difference), {})
    assert found.word == word
    assert part in found.sentence


def test_the_gate_speaks_first_and_its_reasons_follow() -> None:
    one = standing(metrics(), comparison(), {"decision": "fail", "reasons": ["mask AP 0.1 is below the minimum 0.2"]})
    assert one == ("error", "failed", "The gate said “fail”. Mask AP 0.1 is below the minimum 0.2.")
    reasons = [
        {"check": "ap", "outcome": "pass", "text": "mask AP reaches the minimum"},
        {"check": "latency", "outcome": "investigate", "text": "latency was not measured"},
        {"check": "slices", "outcome": "not asked", "text": "nobody asked"},
    ]
    verdict = {"decision": "investigate", "reasons": reasons}
    assert standing(metrics(), {}, verdict)[:2] == ("warning", "investigate")
    told = list(sentences(metrics(), comparison(), verdict))
    assert [(each.severity, each.label) for each in told[:3]] == [
        ("good", "Gate"),
        ("warning", "Gate"),
        ("good", "Incumbent"),
    ]


@pytest.mark.parametrize(
    ("changed", "word"), [({}, "measured"), ({"AP": 0.004}, "finds nothing"), ({"AP": None}, "undefined")]
)
def test_without_a_comparison_the_ap_says_how_it_stands(changed: dict[str, Any], word: str) -> None:
    assert standing(metrics(**changed), {}, {}).word == word


def test_small_objects_are_told_of_where_they_are_found_half_as_well() -> None:
    assert _said("Sizes", metrics())[0].startswith("Small objects are found worst: AP 0.142, against 0.558 for large")
    assert _said("Sizes", metrics(APs=0.5)) == []
    assert _said("Sizes", metrics(APs=None, APm=None)) == []

"""What stands out of a run, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from sparseinst.pages.words import counted, duration, number, percent
from sparseinst.training.report.records import Records
from sparseinst.training.report.series import smoothed
from sparseinst.training.report.summary import TrainSummary

MOST_WAIT = 0.05  # of the time, for data
_STILL = 0.02  # of the loss, over the last twentieth of the run, to be called falling; the published lr drops before
_ROSE = 1.2  # times its lowest: a loss that did not come back
_GAIN = 0.02  # of the AP, over the last fifth of the run, to be called rising
_LOST = 0.05  # of the best AP at the end, to be called overfitting
_NOTHING = 0.01  # an AP that is as good as none
_TROUBLES = (
    (
        "non_finite",
        "step was skipped because its loss was no number",
        "steps were skipped because their loss was no number",
    ),
    ("bad_image", "image could not be read and was left out", "images could not be read and were left out"),
    ("save_failed", "time the state could not be saved", "times the state could not be saved"),
)

Sentence = tuple[str, str]


def sentences(summary: TrainSummary, records: Records) -> Iterator[Sentence]:
    """("good", "note", "warning" or "error", a sentence): how it stands first, then what to look at and what to do."""
    yield _standing(summary, records)
    wait = records.median_of("data_wait_share")
    if wait is not None and wait > MOST_WAIT:
        yield "warning", _about_waiting(wait, summary)
    yield from _about_scores(summary, records)
    yield from _about_loss(summary, records)
    yield from _about_events(records)


def _standing(summary: TrainSummary, records: Records) -> Sentence:
    done = f"{number(summary.iteration)} of {counted(summary.iterations, 'iteration')}"
    seconds = records.timing_of("seconds")
    took = f" in {duration(seconds[-1][1])}" if seconds and seconds[-1][1] > 0 else ""
    if summary.state == "finished":
        return "good", f"Finished after {done}{took}" + (f": {summary.ended}." if summary.ended else ".")
    if summary.state == "stopped":
        return "warning", f"Stopped after {done}{took}; the state is saved, and the same command goes on."
    if summary.state == "failed":
        return "error", f"Could not go on after {done}{took}" + (f": {summary.ended}." if summary.ended else ".")
    left = ""
    if took and seconds[-1][0] > 0 and summary.iterations > summary.iteration:
        left = f"; about {duration(seconds[-1][1] / seconds[-1][0] * (summary.iterations - summary.iteration))} left"
    return "note", f"Running: {done}{took}{left}."


def _about_waiting(wait: float, summary: TrainSummary) -> str:
    workers = summary.settings.get("input", {}).get("workers")
    now = f" (now {workers} a rank)" if workers is not None else ""
    return (
        f"Loading images is the bottleneck: half of the time at least {percent(wait)} went into waiting for them. More "
        f"CPU cores and input.workers{now}, smaller images or a faster disk would make the run quicker."
    )


def _about_scores(summary: TrainSummary, records: Records) -> Iterator[Sentence]:
    scores = records.marks_of("AP")
    is_over = summary.state == "finished"
    if not scores:
        if is_over:
            yield "warning", "No AP was measured: nothing says how good the model is (train.eval_every, a val split)."
        return
    end, last = scores[-1]
    when, best = max(scores, key=lambda point: (point[1], -point[0]))
    if summary.best_ap is not None and summary.best_iteration is not None:
        when, best = float(summary.best_iteration), summary.best_ap
    if len(scores) >= 3 and when < end and last < (1 - _LOST) * best:
        yield (
            "warning",
            f"The best AP, {best:.3f}, was at iteration {number(when)}; at the end it is {last:.3f}. It may have "
            "learned its images by heart: train.result=best keeps the best one, and train.early_stop ends sooner.",
        )
    elif best < _NOTHING and (is_over or len(scores) >= 3):
        yield "warning", f"AP is {best:.3f}: so far the model finds next to nothing."
    elif is_over and not summary.ended and len(scores) >= 5:
        before = max((value for iteration, value in scores if iteration <= 0.8 * end), default=last)
        if last - before > _GAIN * last:
            yield (
                "note",
                f"AP still rose at the end, by {last - before:.3f} in the last fifth: more train.iterations may help.",
            )


def _about_loss(summary: TrainSummary, records: Records) -> Iterator[Sentence]:
    losses = [y for _, y in smoothed(records.steps_of("loss"))]
    if len(losses) < 30 or min(losses) <= 0:
        return
    end = losses[-1]
    if end > _ROSE * min(losses):
        yield (
            "warning",
            f"The loss rose again: it is {end:.3g} and was {min(losses):.3g}. A lower train.lr or "
            "train.clip_gradient_norm=1 may help.",
        )
    elif summary.state == "finished" and not summary.ended:
        before = losses[-len(losses) // 20]
        if (before - end) / before > _STILL:
            yield "note", "The loss was still falling at the end: more train.iterations may help."


def _about_events(records: Records) -> Iterator[Sentence]:
    for kind, one, several in _TROUBLES:
        count = sum(event.kind == kind for event in records.events)
        if count:
            yield "warning", f"{counted(count, one, several)}."

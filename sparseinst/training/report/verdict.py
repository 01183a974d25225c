"""What stands out of a run, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from sparseinst.pages.words import number, percent
from sparseinst.training.report.series import Records, smoothed
from sparseinst.training.report.summary import TrainSummary

MOST_WAIT = 0.05  # of the time, for data
_STILL = 0.02  # of the loss: what it must have fallen over the last tenth to be called falling
_EVENTS = {
    "non_finite": "Steps that were skipped because their loss was no number",
    "bad_image": "Images that could not be read and were left out",
    "worker_restarted": "How often the loader's processes died and were replaced",
    "storage_away": "How often the storage did not answer",
    "save_failed": "How often the state could not be written",
    "preempted": "How often the run was stopped",
    "failed": "How often the run could not go on",
}


def sentences(summary: TrainSummary, records: Records) -> Iterator[tuple[str, str]]:
    """("good", "warning" or "error", a sentence): how it stands first, then what to look at."""
    yield _standing(summary)
    wait = records.median_of("data_wait_share")
    if wait is not None and wait > MOST_WAIT:
        yield (
            "warning",
            f"Half of the time at least {percent(wait)} went into waiting for images: more input.workers, or a faster "
            "disk, would make the run quicker.",
        )
    yield from _course(summary, records)
    for kind, words in _EVENTS.items():
        count = sum(event.get("event") == kind for event in records.events)
        if count:
            yield ("warning" if kind != "preempted" else "good"), f"{words}: {number(count)}."


def _standing(summary: TrainSummary) -> tuple[str, str]:
    done = f"{number(summary.iteration)} of {number(summary.iterations)} iterations"
    if summary.state == "finished":
        return "good", f"Finished after {done}" + (f": {summary.ended}." if summary.ended else ".")
    if summary.state == "stopped":
        return "warning", f"Stopped after {done}; the state is saved, and the same command goes on."
    return "good", f"Running: {done}."


def _course(summary: TrainSummary, records: Records) -> Iterator[tuple[str, str]]:
    losses = [y for _, y in smoothed(records.steps_of("loss"))]
    marks = records.marks_of("AP")
    if len(marks) >= 3 and summary.best_iteration is not None and summary.best_ap:
        last = marks[-1][1]
        if last < 0.95 * summary.best_ap and summary.best_iteration < marks[-1][0]:
            yield (
                "warning",
                f"The best AP, {summary.best_ap:.3f}, was at iteration {number(summary.best_iteration)}; at the end it "
                f"is {last:.3f}. It may have learned its images by heart: train.result=best keeps the best one, and "
                "train.early_stop ends sooner.",
            )
    if summary.state == "finished" and not summary.ended and len(losses) >= 30:
        before, end = losses[-len(losses) // 10], losses[-1]
        if before > 0 and (before - end) / before > _STILL:
            yield "warning", "The loss was still falling at the end: more train.iterations may help."

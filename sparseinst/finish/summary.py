"""A run in a few lines of Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sparseinst.finish.numbers import aps, gate, places, served
from sparseinst.finish.story import RunStory, State, StepStory
from sparseinst.pages.markdown import document, plain, table
from sparseinst.pages.words import duration

_MARKS = {State.SUCCEEDED: "✓", State.STOPPED: "–"}
_PAGE = re.compile(r"https?://[^\s<>()\"'\\]+")


def run_summary(story: RunStory, page: str = "") -> str:
    """Markdown: how the run ended, why, its numbers, its steps, and where everything is.

    Args:
        story: The run.
        page: The address of Kubeflow's page of it; what is no web address is left out.
    """
    lines = [f"# Run {plain(headline(story))}", "", *_error(story)]
    if numbers := list(_numbers(story)):
        lines += table(("", ""), numbers)
    if story.steps:
        lines += table(("step", "", "took", "attempts"), [_row(step) for step in story.steps])
    if found := places(story):
        lines += table(("made", "where"), list(found.items()))
    lines += [f"Run id {plain(story.run_id)}" + (f", [its page]({page})" if _PAGE.fullmatch(page) else "") + "."]
    return document(lines)


def headline(story: RunStory) -> str:
    """For example "failed in train after 12 min"."""
    step = story.failed_step
    where = f" in {step.name}" if step else ""
    after = "" if story.seconds is None else f" after {duration(story.seconds)}"
    return f"{story.state}{where}{after}"


def _error(story: RunStory) -> Iterator[str]:
    if not story.error:
        return
    yield f"**{plain(str(story.error.get('problem', '')))}**"
    yield ""
    for name in ("where", "fix"):
        if story.error.get(name):
            yield f"- {name}: {plain(str(story.error[name]))}"
    details = story.error.get("details")
    yield from (f"- {plain(str(detail))}" for detail in (details if isinstance(details, list) else ()))
    yield ""


def _numbers(story: RunStory) -> Iterator[tuple[str, str]]:
    for name, value in aps(story).items():
        yield name, "undefined" if value is None else f"{value:.3f}"
    if decided := gate(story):
        yield "gate", ": ".join(filter(None, (decided["decision"], "; ".join(decided["reasons"]))))
        if decided["decision"] != "pass":
            yield "deployed", "nothing; what was served before is still served"
    if found := served(story):
        yield "serves", f"{found.get('name')} version {found.get('version')} at {found.get('url')}"


def _row(step: StepStory) -> tuple[str, str, str, str]:
    how = str(step.state) if step.state is State.SUCCEEDED else f"{step.state} (exit code {step.exit_code})"
    took = "" if step.seconds is None else duration(step.seconds)
    return step.name, f"{_MARKS.get(step.state, '✗')} {how}", took, str(step.attempts)

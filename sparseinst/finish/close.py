"""What the exit handler does."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from sparseinst.errors import SparseInstError
from sparseinst.finish.story import tell
from sparseinst.finish.summary import headline, run_summary
from sparseinst.finish.webhook import WEBHOOK, message, notify
from sparseinst.log import get_logger
from sparseinst.pages.page import write_page
from sparseinst.workspace.journal import read_journals

log = get_logger("finish")


def close_run(folder: str, run_id: str, *, said: tuple[str, str], page: str, summary: Path) -> dict[str, Any]:
    """Writes what happened, and tells it to the webhook if there is one.

    Args:
        folder: The run's folder. One that cannot be read costs the steps' own words, and nothing else.
        run_id: The run's id.
        said: Kubeflow's state of the steps, and its error message.
        page: The address of Kubeflow's page of the run, "{run}" for its id; may be empty.
        summary: Gets the Markdown.

    Returns:
        The state, the failed step if there is one, and whether a webhook took the message.
    """
    try:
        journals = read_journals(folder)
    except SparseInstError as error:
        log.warning("what the steps told cannot be read: %s", error)
        journals = {}
    story = tell(run_id, journals, *said)
    page = page.replace("{run}", run_id)
    write_page(summary, run_summary(story, page))
    log.info("run %s: %s", run_id, headline(story))
    webhook = os.environ.get(WEBHOOK, "").strip()
    told = {"webhook": notify(webhook, message(story, page))} if webhook else {}
    step = story.failed_step
    return {"state": str(story.state), **({"failed_step": step.name} if step else {}), **told}

"""What a pipeline shows of a rollout. The model serves already: nothing here may fail the step any more."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sparseinst.errors import SparseInstError
from sparseinst.lineage.summary import lineage_summary
from sparseinst.lineage.trace import trace
from sparseinst.log import get_logger
from sparseinst.pages.markdown import plain
from sparseinst.pages.page import write_page
from sparseinst.serving.rollout import Deployment
from sparseinst.serving.rollout.summary import serving_summary

log = get_logger("deploy")


def write_serving_page(path: Path, served: Deployment, client_url: str = "") -> None:
    """Writes where it serves, how it was proven, how it is asked and how one goes back."""
    write_page(path, serving_summary(served.to_dict(), client_url))


def write_lineage_page(path: Path, served: Deployment, search: Path, places: Mapping[str, str]) -> None:
    """Writes the chain from the data to what serves.

    Args:
        path: The Markdown file.
        served: What serves.
        search: The folder with the parts of the run.
        places: See `lineage_summary`.
    """
    try:
        found = trace(served.endpoint, search=[search], repository=served.repository, with_files=False)
        page = lineage_summary(found, places)
    except (SparseInstError, OSError) as error:
        problem = error.problem if isinstance(error, SparseInstError) else str(error)
        log.warning("the lineage cannot be followed: %s", problem)
        page = f"# Lineage: it cannot be followed\n\n{plain(problem)}\n"
    write_page(path, page)

"""Finish: the exit handler. It runs at the end of every run, and says how that ended."""

from kfp import dsl
from kfp.dsl import Markdown, Output, PipelineTaskFinalStatus

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def finish(
    status: PipelineTaskFinalStatus,
    workspace: str,
    run_id: str,
    summary: Output[Markdown],
    run_page: str = "",
) -> None:
    """Tells what happened: the state, the step that failed with its problem and its fix, the numbers, the durations.

    The environment variable SPARSEINST_WEBHOOK, if it is set, gets the same as JSON. A webhook that fails is a warning
    and never fails the run.

    Args:
        status: Kubeflow's word on the steps; it fills it in itself.
        workspace: The pipeline's workspace: a folder that every step sees or s3://bucket/prefix, "{run}" in it.
        run_id: The run's id.
        summary: The run in a few lines, for Kubeflow's page of the run.
        run_page: The address of that page, for the message; "{run}" in it stands for the run's id.
    """
    from pathlib import Path

    from sparseinst.finish.close import close_run
    from sparseinst.steps import step
    from sparseinst.workspace import run_folder

    folder = run_folder(workspace, run_id)
    with step("finish", folder) as facts:
        said = (status.state or "", status.error_message or "")
        facts.update(close_run(folder, run_id, said=said, page=run_page, summary=Path(summary.path)))

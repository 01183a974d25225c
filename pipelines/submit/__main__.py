"""`python -m pipelines.submit`: the pipeline on Kubeflow, from the command line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from components.image import IMAGE
from pipelines.platform.rights import SERVICE_ACCOUNT
from pipelines.run.signals import Interrupted
from pipelines.submit.options import Options
from pipelines.submit.request import Wishes
from sparseinst.cli.ending import exit_code_of
from sparseinst.log import set_up_logging

_FILE = click.Path(path_type=Path)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--host", envvar="KFP_HOST", default="", help="Kubeflow's address, as in the browser. [env: KFP_HOST]")
@click.option("--namespace", default="", help="Your profile's, where Kubeflow has several users.")
@click.option("--ca-cert", type=_FILE, envvar="KFP_CA_CERT", help="PEM file of who signed the server's certificate.")
@click.option("--preset", default="", help="What the steps get: a name from pipelines/presets, or a YAML file.")
@click.option("--image", default=IMAGE, show_default=True, help="The steps' image, as the cluster pulls it.")
@click.option("--training-image", default="", help="That of steps with GPUs. [default: the same with 'training' in it]")
@click.option("--experiment", default="sparseinst", show_default=True, help="Where Kubeflow lists the run.")
@click.option("--service-account", default=SERVICE_ACCOUNT, show_default=True, help="Whose rights the steps have.")
@click.option("--name", default="", help="The run's name, or the schedule's. [default: from the preset]")
@click.option("--data", help="Annotated images: s3://bucket/folder, coco2017, an address. [default: the preset's]")
@click.option("--shape", type=_FILE, help="YAML: classes, split, filters; see `sparseinst ingest --shape`.")
@click.option("--config", help="Training configuration, by name, or as a YAML file in the image.")
@click.option("--set", "overrides", multiple=True, metavar="SECTION.NAME=VALUE", help="Change one setting of it.")
@click.option("--seed", type=click.IntRange(min=0), help="Decides every random choice. [default: 0]")
@click.option("--min-ap", type=click.FloatRange(0, 1), help="Mask AP that the gate asks for. [default: the preset's]")
@click.option("--policy", type=_FILE, help="YAML: the gate's rules (docs/gate.md).")
@click.option("--force-by", default="", help="Your name: deploy the model whatever the gate finds. It is recorded.")
@click.option("--force-why", default="", help="Why, with --force-by.")
@click.option("--model-name", help="The name of the served model. [default: sparseinst]")
@click.option("--param", "others", multiple=True, metavar="NAME=VALUE", help="Any other parameter of the pipeline.")
@click.option("--no-caching", "caching", flag_value=False, default=True, help="Run every step, whatever ran before.")
@click.option("--wait/--no-wait", default=True, show_default=True, help="Follow the run until it is over.")
@click.option(
    "--timeout", "timeout_minutes", type=click.FloatRange(0), default=0, help="Minutes to wait. [default: no end]"
)
@click.option(
    "--poll", "poll_s", type=click.FloatRange(0), default=10, show_default=True, help="Seconds between looks."
)
@click.option("--terminate-on-interrupt", is_flag=True, help="Ctrl-C ends the run, and not only the watching.")
@click.option("--follow", default="", metavar="RUN_ID", help="Follow a run that was started before.")
@click.option("--terminate", default="", metavar="RUN_ID", help="End a run.")
@click.option("--dry-run", is_flag=True, help="Say what would be asked of the cluster and its cost. Sends nothing.")
@click.option("--prices", type=_FILE, help="YAML for --dry-run. [default: pipelines/prices.yaml]")
@click.option("--schedule", default="", metavar="WHEN", help="Start runs again and again: '24h', '0 3 * * 1' (UTC).")
@click.option("--schedules", is_flag=True, help="List the schedules.")
@click.option("--unschedule", default="", metavar="NAME", help="Remove a schedule.")
@click.option("--pause", default="", metavar="NAME", help="Stop a schedule from starting runs.")
@click.option("--resume", default="", metavar="NAME", help="Let it start runs again.")
@click.option("--json", "as_json", is_flag=True, help="For programs: JSON on stdout.")
def command(**said: Any) -> int:
    """Run the pipeline on Kubeflow: upload, start, follow, and end with the exit code of what happened.

    Who you are comes from the environment: KFP_TOKEN or KFP_TOKEN_FILE, KFP_COOKIES or KFP_COOKIES_FILE.

    \b
    Example:
      python -m pipelines.submit --preset gpu8 --dry-run
      python -m pipelines.submit --host https://kubeflow.example.com/pipeline --namespace ml --preset gpu8
    """
    wishes = Wishes(**{name: said.pop(name) for name in Wishes.__dataclass_fields__})
    options = Options(wishes=wishes, **said)
    from pipelines.submit import actions  # kfp and all that it brings: not for a word that was misspelled
    from pipelines.submit.patience import Pace

    pace = Pace(poll_s=options.poll_s)
    if options.dry_run:
        return actions.plan_only(options, pace)
    if options.follow:
        return actions.follow_again(options, pace)
    if options.terminate:
        return actions.terminate(options)
    if options.schedule or options.schedules or options.unschedule or options.pause or options.resume:
        return actions.tend_schedules(options, pace)
    return actions.submit(options, pace)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; gives its exit code: docs/runs.md has them all."""
    set_up_logging()
    try:
        return exit_code_of(command, arguments)
    except Interrupted as interruption:
        return interruption.exit_code


if __name__ == "__main__":
    sys.exit(main())

"""What the command does: submit and follow a run, only say what it would ask for, or tend schedules."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipelines.compile import compile_preset
from pipelines.platform.preset import Preset, load_preset
from pipelines.run.request import OPEN_GATE
from pipelines.run.signals import Interrupted, interruptible
from pipelines.submit import dry_run, report, schedule
from pipelines.submit.caching import switch_caching_off
from pipelines.submit.compiled import Compiled, from_api, read_compiled
from pipelines.submit.follow import again, follow
from pipelines.submit.kubeflow import Kubeflow, open_kubeflow
from pipelines.submit.options import Options
from pipelines.submit.parameters import checked, defaults
from pipelines.submit.patience import Pace
from pipelines.submit.plan import demands
from pipelines.submit.prices import load_prices
from pipelines.submit.request import parameters_from
from pipelines.submit.start import Order, run_name, start_run
from pipelines.submit.version import Version, ensure_version
from sparseinst.errors import ClusterError
from sparseinst.log import get_logger
from sparseinst.manifest import code_commit

log = get_logger("kubeflow")


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A run that is complete and checked, before anything is sent."""

    preset: Preset
    file: Path
    compiled: Compiled
    order: Order


@contextmanager
def _prepared(options: Options, pace: Pace, name: str = "") -> Iterator[_Prepared]:
    preset = load_preset(options.preset_name())
    with tempfile.TemporaryDirectory() as folder:
        file = compile_preset(preset, Path(folder) / f"{preset.name}.yaml", options.image, options.training_image)
        if not options.caching:
            switch_caching_off(file)
        compiled = read_compiled(file)
        asked = parameters_from(options.wishes, defaults(compiled))
        if options.host and "run_page" in compiled.parameters:
            asked.setdefault("run_page", options.connection().page("{run}"))
        order = Order(
            name=options.name or name or run_name(preset.name, pace.now()),
            experiment=options.experiment,
            parameters=checked(asked, compiled),
            service_account=options.service_account,
        )
        yield _Prepared(preset, file, compiled, order)


def plan_only(options: Options, pace: Pace) -> int:
    """Says what a run would ask of the cluster, and what it would cost. Sends nothing."""
    prices = load_prices(options.prices)
    with _prepared(options, pace) as ready:
        values = {**defaults(ready.compiled), **ready.order.parameters}
        asked = demands(ready.compiled, ready.preset)
        if options.as_json:
            print(json.dumps(dry_run.as_json(ready.preset, ready.order, values, asked, prices), indent=1))
        else:
            print("\n".join(dry_run.lines_of(ready.preset, ready.order, values, asked, prices)))
    return 0


def submit(options: Options, pace: Pace) -> int:
    """Uploads the pipeline if its content is new, creates a run, and follows it."""
    with _prepared(options, pace) as ready:
        _warn_of(ready)
        kubeflow = open_kubeflow(options.connection_to_send())
        version = _upload(kubeflow, ready)
        run_id = start_run(kubeflow, version, ready.order, pace)
        log.info("run %s: %s", ready.order.name, kubeflow.connection.page(run_id))
        if not options.wait:
            if options.as_json:
                print(json.dumps({"run_id": run_id, "page": kubeflow.connection.page(run_id), "version": version.name}))
            else:
                print(f"{run_id}\n  {kubeflow.connection.page(run_id)}\n  {again(kubeflow, run_id)}")
            return 0
        return _follow(kubeflow, run_id, ready.compiled, options, pace)


def follow_again(options: Options, pace: Pace) -> int:
    """Follows a run that was started before, by anyone."""
    kubeflow = open_kubeflow(options.connection_to_send())
    run = kubeflow.ask("look at the run", lambda sdk: sdk.get_run(options.follow))
    log.info("run %s: %s", run.display_name, kubeflow.connection.page(options.follow))
    return _follow(kubeflow, options.follow, _compiled_of(kubeflow, run), options, pace)


def terminate(options: Options) -> int:
    """Ends a run. What its steps have saved stays."""
    kubeflow = open_kubeflow(options.connection_to_send())
    kubeflow.ask("end the run", lambda sdk: sdk.terminate_run(options.terminate))
    log.info("the run is being ended: %s", kubeflow.connection.page(options.terminate))
    return 0


def tend_schedules(options: Options, pace: Pace) -> int:
    """Makes, lists, removes, pauses or resumes schedules, and lists what there is then."""
    if options.schedule:
        rhythm = schedule.rhythm_of(options.schedule)
        with _prepared(options, pace, f"sparseinst-{Path(options.preset).stem}") as ready:
            _warn_of(ready)
            kubeflow = open_kubeflow(options.connection_to_send())
            schedule.create(kubeflow, _upload(kubeflow, ready), ready.order, rhythm)
    else:
        kubeflow = open_kubeflow(options.connection_to_send())
    for name, change in (
        (options.unschedule, schedule.remove),
        (options.pause, schedule.pause),
        (options.resume, schedule.resume),
    ):
        if name:
            change(kubeflow, name)
    found = schedule.schedules(kubeflow)
    print(json.dumps([asdict(each) for each in found]) if options.as_json else "\n".join(schedule.lines_of(found)))
    return 0


def _upload(kubeflow: Kubeflow, ready: _Prepared) -> Version:
    version = ensure_version(kubeflow, ready.file, ready.preset.name, _commit())
    log.info("pipeline version %s: %s", version.name, "uploaded" if version.is_new else "is there already")
    return version


def _commit() -> str:
    """The first seven digits of this code's commit; empty where nobody knows it."""
    known = code_commit()
    return "" if known == "unknown" else known[:7]


def _follow(kubeflow: Kubeflow, run_id: str, compiled: Compiled, options: Options, pace: Pace) -> int:
    with interruptible(lambda: None):
        try:
            look = follow(kubeflow, run_id, compiled, pace, 60 * options.timeout_minutes)
        except Interrupted:
            _leave(kubeflow, run_id, options)
            raise
    found = report.make_report(kubeflow, run_id, compiled, look)
    if options.as_json:
        print(json.dumps(report.as_json(found), indent=1))
    else:
        print("\n".join(report.lines_of(found)), flush=True)
    return found.exit_code


def _leave(kubeflow: Kubeflow, run_id: str, options: Options) -> None:
    if options.terminate_on_interrupt:
        kubeflow.ask("terminate the run", lambda sdk: sdk.terminate_run(run_id))
        log.warning("the run is being terminated")
    else:
        log.warning("the run goes on: %s", kubeflow.connection.page(run_id))
        log.warning("look at it again: %s", again(kubeflow, run_id))
        log.warning("end it: %s", again(kubeflow, run_id, "TERMINATE"))


def _compiled_of(kubeflow: Kubeflow, run: Any) -> Compiled:
    """The pipeline that a run runs: the API gives it with the run, or with the version that the run names."""
    spec, reference = run.pipeline_spec, run.pipeline_version_reference
    if not spec and reference:
        version = kubeflow.ask(
            "read the run's pipeline",
            lambda sdk: sdk.get_pipeline_version(reference.pipeline_id, reference.pipeline_version_id),
        )
        spec = version.pipeline_spec
    if not spec:
        raise ClusterError(
            "The API does not say which pipeline this run runs.",
            where=kubeflow.connection.page(run.run_id),
            fix="Look at its page.",
        )
    return from_api(spec)


def _warn_of(ready: _Prepared) -> None:
    images = sorted({str(step.container.get("image", "")) for step in ready.compiled.steps})
    if local := [image for image in images if "/" not in image]:
        log.warning("no registry is named in %s: the cluster's nodes must have it (IMAGE=…)", " and ".join(local))
    values = {**defaults(ready.compiled), **ready.order.parameters}
    if values.get("min_ap") == 0:
        log.warning(OPEN_GATE)

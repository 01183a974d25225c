"""A candidate beside the version in service: proven, timed and compared, before anything is switched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sparseinst.errors import DeployError
from sparseinst.evaluation.predictors.triton import TritonPredictor
from sparseinst.export.contract import FRONT, fingerprint
from sparseinst.imaging.files import picture_files
from sparseinst.imaging.read import read_image
from sparseinst.log import get_logger
from sparseinst.serving.rollout.agreement import Agreement, compare_answers
from sparseinst.serving.rollout.beside import CANDIDATE, beside, model_files
from sparseinst.serving.rollout.canary import Live, judge, read, watch
from sparseinst.serving.rollout.conditions import Canary, Conditions
from sparseinst.serving.rollout.exported import Export
from sparseinst.serving.rollout.front import front_files
from sparseinst.serving.rollout.front_proof import prove_front
from sparseinst.serving.rollout.golden import GoldenImage, prove
from sparseinst.serving.rollout.loading import NotLoaded
from sparseinst.serving.rollout.pace import Pace, Served, as_taken_by, require_pace
from sparseinst.serving.rollout.service import Service
from sparseinst.serving.rollout.undo import Undo

log = get_logger("deploy")


@dataclass(frozen=True, slots=True)
class Findings:
    """What was measured of a candidate. None: it was not asked for, or nothing was in service to compare with."""

    pace: Pace | None = None
    agreement: Agreement | None = None
    live: Live | None = None


class Trial:
    """An export as `<name>_candidate` beside the version `before` that is in service."""

    def __init__(self, service: Service, export: Export, before: int | None) -> None:
        self._service = service
        self._export = export
        self._before = before
        self._name = export.name + CANDIDATE

    def run(self, conditions: Conditions, undo: Undo, *, front_door: bool) -> tuple[Findings, bool]:
        """Proves the candidate, holds it against the conditions, and gives it live requests if that is asked for.

        Returns:
            What was measured, and whether it is to have a front door.

        Raises:
            DeployError: It does not load, answers otherwise than it should, or breaks a condition.
        """
        service, export = self._service, self._export
        with beside(service.triton, service.storage, self._name, model_files(export, self._name)):
            prove(service.triton, self._name, "1", export.golden)
            findings = _measure(service, export, self._before, conditions)
            front_door = front_door and self._try_front_door()
            if conditions.canary is not None:
                if self._before is None:
                    log.warning("nothing is in service yet, so there is no canary")
                elif not front_door:
                    raise DeployError(
                        "A canary takes its share of the requests at the front door, and there is none.",
                        where="--canary",
                        fix="Leave it out; --shadow compares both versions without live requests.",
                    )
                else:
                    live = self._go_live(conditions, conditions.canary, undo)
                    findings = replace(findings, live=live)
        return findings, front_door

    def _try_front_door(self) -> bool:
        """Whether the server can run one. One that answers wrongly is an error."""
        service, export, name = self._service, self._export, self._name
        files = front_files(name, [export.metadata], instances=1)
        try:
            with beside(service.triton, service.storage, name + FRONT, files):
                prove_front(service.triton, name + FRONT, export.golden, export.metadata)
        except NotLoaded as error:
            if service.front.published() is not None:
                raise DeployError(
                    f"The front door, which serves, could not be loaded again. {error.problem}",
                    where=error.where,
                    fix="Mend the server; or give --no-front-door, which takes the front door out of service.",
                ) from error
            log.warning("going on without a front door: %s", error.problem)
            return False
        return True

    def _go_live(self, conditions: Conditions, canary: Canary, undo: Undo) -> Live:
        service, metadata = self._service, self._export.metadata
        counted_before = read(canary)
        route = {"model": self._name, "metadata": metadata, "share": canary.share, "shadow": canary.shadow}
        with Undo() as at_once:  # the front door has to forget the candidate before that goes
            service.open_front_door(metadata, at_once, route)
            log.info(
                "canary: the candidate %s %g %% of the requests",
                "is shown" if canary.shadow else "answers",
                100 * canary.share,
            )
            mark = fingerprint(metadata).hex()
            live = watch(service.name, mark, canary, service.check_lock, counted_before=counted_before)
            log.info("canary: %s", live)
            judge(live, canary, conditions.max_slowdown, conditions.min_agreement)
            service.open_front_door(metadata, undo)
            at_once.keep()
        return live


def _measure(service: Service, export: Export, before: int | None, conditions: Conditions) -> Findings:
    candidate = export.name + CANDIDATE
    compares = before is not None and service.triton.is_ready(service.name, str(before))
    pace = agreement = None
    if conditions.max_latency_ms is not None or (compares and conditions.max_slowdown is not None):
        images = [golden.image for golden in export.golden]
        incumbent = None
        if before is not None and compares:
            taken = as_taken_by(service.target.metadata(before), export.metadata, images)
            incumbent = Served(service.name, str(before), taken)
        pace = require_pace(
            service.triton,
            Served(candidate, "1", images),
            incumbent,
            max_latency_ms=conditions.max_latency_ms,
            max_slowdown=conditions.max_slowdown,
        )
        log.info("pace: %s", pace)
    if conditions.compares and not compares:
        log.warning("nothing is in service to compare the answers with")
    elif conditions.compares:
        server = service.triton.url if "://" in service.triton.url else f"grpc://{service.triton.url}"
        with (
            TritonPredictor(f"{server}/{candidate}/1", security=service.triton.security) as new,
            TritonPredictor(f"{server}/{service.name}/{before}", security=service.triton.security) as old,
        ):
            agreement = compare_answers(new, old, _pictures(export.golden, conditions.shadow))
        log.info("%s", agreement)
        agreement.require(conditions.min_agreement)
    return Findings(pace, agreement)


def _pictures(golden: Sequence[GoldenImage], folder: Path | None) -> Iterator[NDArray[np.uint8]]:
    for image in golden:
        yield np.ascontiguousarray(image.image.transpose(1, 2, 0))
    for path in picture_files(folder) if folder else ():
        yield read_image(path)

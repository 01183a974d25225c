"""What the run's page is made from, of a run as it stands."""

from __future__ import annotations

from collections.abc import Sequence

from sparseinst.errors import StorageError
from sparseinst.imaging.write import encode_image
from sparseinst.log import get_logger
from sparseinst.manifest import code_commit
from sparseinst.training.exam import Marks
from sparseinst.training.report.page import write_train_report
from sparseinst.training.report.summary import State, TrainSummary
from sparseinst.training.session import Session

log = get_logger("train")


def write_run_page(session: Session, state: State, marks: Marks | None, notes: Sequence[str]) -> None:
    """Writes train.html. It is there to be looked at: where it cannot be written, training goes on without."""
    try:
        write_train_report(session.output, summary_of(session, state, marks, notes))
    except (OSError, StorageError) as error:
        log.warning("train.html cannot be written: %s", error)


def summary_of(session: Session, state: State, marks: Marks | None, notes: Sequence[str]) -> TrainSummary:
    config, standing = session.config, session.standing
    return TrainSummary(
        title=config.model.name,
        state=state,
        iteration=standing.iteration,
        iterations=config.train.iterations,
        ended=standing.ended,
        facts=_facts(session),
        best_ap=standing.best_ap if standing.best_iteration >= 0 else None,
        best_iteration=standing.best_iteration if standing.best_iteration >= 0 else None,
        notes=notes,
        settings=config.to_dict(),
        pictures=[(name, encode_image(pixels, ".jpg")) for name, pixels in marks.pictures] if marks else (),
    )


def _facts(session: Session) -> list[tuple[str, str]]:
    settings, ranks, dataset = session.config.train, session.ranks, session.dataset
    parameters = sum(parameter.numel() for parameter in session.learner.model.parameters())
    data = session.origins.data
    return [
        ("device", f"{ranks.world_size} x {ranks.device.type}, computing in {session.precision}"),
        ("a step", f"{settings.batch_size} images, {session.learner.micro_batch} at a time on each rank"),
        ("learning rate", f"{settings.scaled_lr:g}, {settings.schedule}"),
        ("images to learn from", str(len(dataset))),
        ("classes", str(len(dataset.categories))),
        ("parameters", f"{parameters / 1e6:.1f} million"),
        ("data", f"{data.id} {data.version}".strip()),
        ("weights at the start", settings.weights),
        ("code", code_commit()),
    ]

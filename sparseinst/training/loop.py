"""The training loop: from wherever the run stands to its end, or to where it is told to stop."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import torch

from sparseinst.data.loading.example import Example
from sparseinst.errors import Preempted, SparseInstError, TrainingError
from sparseinst.log import get_logger
from sparseinst.training.agreement import Agreement, agree
from sparseinst.training.batches import open_feed
from sparseinst.training.checkpoint import BEST_NAME, save_checkpoint
from sparseinst.training.exam import Exam, Marks
from sparseinst.training.learner import Outcome
from sparseinst.training.optimizer import learning_rate
from sparseinst.training.ranks.verdicts import LostRank
from sparseinst.training.session import Session
from sparseinst.training.state.mirror import Mirror
from sparseinst.training.state.saver import Saver
from sparseinst.training.state.store import StateStore
from sparseinst.training.telling.progress import Progress
from sparseinst.training.telling.summary import write_run_page
from sparseinst.training.trouble.bad_images import BadImages
from sparseinst.training.trouble.evidence import describe, keep_evidence
from sparseinst.training.trouble.feed import Feed
from sparseinst.training.trouble.memory import too_little_memory
from sparseinst.training.trouble.stop import StopRequest
from sparseinst.training.trouble.watchdog import Watchdog

log = get_logger("train")


@dataclass(slots=True)
class _Main:
    """What only rank 0 has: it writes for all."""

    progress: Progress
    saver: Saver
    mirror: Mirror | None


class Loop:
    """Every rank runs one, step by step together."""

    def __init__(
        self,
        session: Session,
        exam: Exam | None,
        stop: StopRequest,
        store: StateStore,
        mirror: Mirror | None = None,
        *,
        notes: Sequence[str] = (),
    ) -> None:
        """`notes` are what was warned of before, for the run's page."""
        self._notes = notes
        self.session, self.exam, self.stop, self._store, self._mirror = session, exam, stop, store, mirror
        self.settings, self.ranks, self.standing = session.config.train, session.ranks, session.standing
        if not (self.settings.early_stop and self.standing.worse >= self.settings.early_stop):
            self.standing.ended = ""  # it ended in time; there may be more of it now
        self.marks: Marks | None = None  # of the last evaluation
        self._main: _Main | None = None
        self._trouble: SparseInstError | None = None
        self._begun, self._seconds_before = time.monotonic(), self.standing.seconds
        self._bad = BadImages(session.config.input.bad_images, self._event)

    def run(self) -> None:
        """Trains until the last iteration, the time limit or an early stop.

        Raises:
            Preempted: A rank was told to stop; the state is saved.
            SparseInstError: Something went wrong that waiting does not mend.
        """
        with ExitStack() as open_things:
            minutes = self.settings.watchdog_minutes
            stacks = self.session.output / "stacks" / f"rank-{self.ranks.rank}.txt"
            self._dog = open_things.enter_context(Watchdog(minutes, stacks, self.ranks.rank))
            if self.ranks.is_main:
                self._main = self._open_main(open_things)
            try:
                self._run(open_things)
            except SparseInstError as error:
                if self._main and not isinstance(error, Preempted):
                    self._event("failed", error.problem)
                    write_run_page(self.session, "failed", self.marks, self._notes)
                raise

    def _run(self, open_things: ExitStack) -> None:
        if self._exam_is_due():
            self._examine()
        if not self.standing.ended:
            feed = open_things.enter_context(open_feed(self.session, self._event))
            while self.standing.iteration < self.settings.iterations and not self.standing.ended:
                self._iterate(feed)
        self._end()

    def _iterate(self, feed: Feed) -> None:
        """One iteration: images, agreement, step, and what is due after it."""
        asked = time.monotonic()
        examples = self._next(feed)
        waited = time.monotonic() - asked
        self._dog.beat("training")
        self._bad.note(examples)
        agreed = agree(
            self.ranks,
            examples,
            num_masks=self.session.config.model.num_masks,
            stop=self.stop.asked,
            bad_images=len(self._bad.seen),
            seconds=self._seconds(),
        )
        if agreed.stop or examples is None:
            self._stop()
        self._bad.check(agreed.bad_images, self.ranks)
        done = self._done(agreed.seconds)
        if done >= 1:
            self._end_in_time()
            return
        lr = learning_rate(self.settings, self.standing.iteration, done)
        outcome = self._step(examples or (), agreed, lr)
        self._judge(outcome, examples or (), agreed, lr)
        self.standing.iteration += 1
        self.standing.seconds = agreed.seconds
        if self._main:
            self._main.progress.add(outcome, waited)
            if self._is_due(self.settings.log_every):
                seconds = self._seconds()
                self._main.progress.report(self.standing.iteration, lr, self._done(seconds), seconds)
        if self._exam_is_due():
            self._examine()
        if self._main:
            self._main.saver.tend(is_due=self._is_due(self.settings.checkpoint_every))

    def _next(self, feed: Feed) -> list[Example] | None:
        """This rank's next images; None where it is to stop, or has none and cannot go on."""
        try:
            return feed.get(lambda: self.stop.asked)
        except SparseInstError as error:
            self._trouble = error  # all ranks save their state first, then it is raised
            return None

    def _step(self, examples: Sequence[Example], agreed: Agreement, lr: float) -> Outcome:
        learner = self.session.learner
        try:
            return learner.step(examples, agreed, lr, (self.settings.seed, self.standing.iteration))
        except torch.OutOfMemoryError as error:
            where = f"iteration {self.standing.iteration + 1}, rank {self.ranks.rank}"
            raise too_little_memory(error, learner.micro_batch, agreed.padded, where) from error

    def _judge(self, outcome: Outcome, examples: Sequence[Example], agreed: Agreement, lr: float) -> None:
        """Keeps the evidence of a step that was not sound, and ends the run where one follows the other."""
        if outcome.is_sound:
            self.standing.bad_steps = 0
            return
        self.standing.bad_steps += 1
        images = [each for part in self.ranks.gather(describe(self.ranks.rank, examples)) for each in part]
        kept = None
        if self._main:
            state = self.session.checkpoint(self._main.progress.state())
            kept = keep_evidence(self.session.output, state, outcome, images, lr=lr, padded=agreed.padded)
            text = f"the loss of iteration {self.standing.iteration + 1} is not finite: the step is skipped"
            log.warning("%s%s", text, f"; its images and state are in {kept}" if kept else "")
            self._event("non_finite", text)
        if self.standing.bad_steps >= self.settings.bad_steps:
            raise TrainingError(
                f"The loss was not finite for {self.standing.bad_steps} iterations in a row.",
                where=f"iteration {self.standing.iteration + 1}; evidence in {self.session.output / 'non_finite'}",
                fix="Begin a new --output with train.weights=<this output>/checkpoint of an earlier state, and a lower "
                "train.lr, train.clip_gradient_norm=1, or train.precision=fp32 (or bf16 for fp16).",
            )

    def _examine(self) -> None:
        """Evaluates the model as it is; the best one so far is kept."""
        assert self.exam
        self._dog.beat("evaluating")
        marks = self.exam.take(
            self.session.shared_model(), lambda: self.stop.asked, lambda: self._dog.beat("evaluating")
        )
        if marks is None:
            self._stop()
            return
        self.marks = marks
        is_best = self.standing.mark(marks.ap)
        if self._main:
            self._main.progress.evaluated(self.standing.iteration, marks.numbers)
            self._main.progress.board.pictures(marks.pictures, self.standing.iteration)
            log.info(
                "val AP %.3f at iteration %d%s", marks.ap, self.standing.iteration, ", the best" if is_best else ""
            )
            if is_best:
                self._keep_best(self._main)
            write_run_page(self.session, "running", marks, self._notes)
        if self.settings.early_stop and self.standing.worse >= self.settings.early_stop:
            self.standing.ended = (
                f"{self.standing.worse} evaluations without a better AP than {self.standing.best_ap:.3f} "
                f"at iteration {self.standing.best_iteration}"
            )

    def _keep_best(self, main: _Main) -> None:
        path = self.session.output / BEST_NAME
        save_checkpoint(path, self.session.checkpoint())
        if main.mirror:
            main.mirror.put(path)

    def _stop(self) -> None:
        """Saves the state, on behalf of all ranks, and ends."""
        mine = (self._trouble.problem if self._trouble else "", self.stop.reason)
        troubles, reasons = ([text for text in texts if text] for texts in zip(*self.ranks.gather(mine), strict=True))
        reason = [*troubles, *reasons][0]
        if self._main:
            self._dog.beat("saving the state")
            if not troubles:
                self._event("preempted", f"stopped by {reason}")
            self._main.saver.save_now(self.standing.iteration, at_end=False)
            write_run_page(self.session, "stopped", self.marks, self._notes)
        self.ranks.wait()  # torchrun ends all ranks as soon as one has ended
        if self._trouble:
            raise self._trouble
        if troubles:
            raise LostRank(f"Another rank could not go on: {reason}", where=f"rank {self.ranks.rank}")
        raise Preempted(
            f"Stopped by {reason} at iteration {self.standing.iteration} of {self.settings.iterations}; "
            "the state is saved.",
            where=str(self._store.folder),
            fix="Run the same command again: it goes on from there.",
        )

    def _end(self) -> None:
        if self._main:
            if self.standing.ended:
                log.info("ended at iteration %d: %s", self.standing.iteration, self.standing.ended)
            if self.marks:
                self._main.progress.board.precision_recall(self.marks.curve, self.standing.iteration)
            self._dog.beat("saving the state")
            self._main.saver.save_now(self.standing.iteration, at_end=True)
            write_run_page(self.session, "finished", self.marks, self._notes)
        self.ranks.wait()

    def _end_in_time(self) -> None:
        limit = f"{self.settings.max_minutes:g} minutes"
        self.standing.ended = f"the limit of {limit} was reached; the schedule was squeezed to fit"
        if self._exam_is_due():
            self._examine()

    def _exam_is_due(self) -> bool:
        if self.exam is None or not self.standing.iteration or self.standing.examined == self.standing.iteration:
            return False
        return self._is_due(self.settings.eval_every)

    def _is_due(self, every: int) -> bool:
        """Whether what happens every so many iterations happens now; at the end it always does."""
        is_last = self.standing.iteration == self.settings.iterations or bool(self.standing.ended)
        return is_last or self.standing.iteration % every == 0

    def _seconds(self) -> float:
        """Of training, all attempts together, by this rank's clock."""
        return self._seconds_before + time.monotonic() - self._begun

    def _done(self, seconds: float) -> float:
        """How much of the run is done, 0 to 1: by iterations, or by time where the limit would come first."""
        limit = 60 * self.settings.max_minutes
        by_time = seconds / limit if limit else 0.0
        return min(1.0, max(self.standing.iteration / self.settings.iterations, by_time))

    def _open_main(self, open_things: ExitStack) -> _Main:
        session, settings = self.session, self.settings
        output, start = session.output, self.standing.iteration
        progress = open_things.enter_context(
            Progress(output, settings.iterations, settings.batch_size, start, session.progress_state)
        )
        if start:
            progress.event(start, "resumed", f"went on at iteration {start} with {self.ranks.world_size} ranks")
        saver = Saver(self._store, self._mirror, lambda: session.checkpoint(progress.state()), self._event)
        return _Main(progress, saver, self._mirror)

    def _event(self, kind: str, text: str) -> None:
        if self._main:
            self._main.progress.event(self.standing.iteration, kind, text)

"""Images that were sound when they were ingested and cannot be read now."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sparseinst.data.loading.example import Example
from sparseinst.errors import DatasetError
from sparseinst.log import get_logger
from sparseinst.training.ranks.group import Ranks

log = get_logger("train")


class BadImages:
    """Counts them. The loader put another image in the place of each; a few may be missing, many may not."""

    def __init__(self, most: int, on_trouble: Callable[[str, str], None]) -> None:
        """`most` are tolerated on all ranks together."""
        self._most, self._on_trouble = most, on_trouble
        self.seen: set[str] = set()

    def note(self, examples: Sequence[Example] | None) -> None:
        """Looks through a batch; what is new is said once."""
        for example in examples or ():
            for text in example.replaced:
                if text not in self.seen:
                    self.seen.add(text)
                    log.warning("an image is left out of the training, another takes its place: %s", text)
                    self._on_trouble("bad_image", text)

    def check(self, count: int, ranks: Ranks) -> None:
        """Ends the run where there are too many; all ranks call it with the same count.

        Raises:
            DatasetError: It lists them.
        """
        if count <= self._most:
            return
        seen = sorted(set().union(*ranks.gather(self.seen)))
        raise DatasetError(
            f"{len(seen)} images cannot be read, and input.bad_images tolerates {self._most}.",
            where="the dataset's images",
            details=seen,
            fix="Bring the files back (ingest again); then the same command goes on from the last saved state.",
        )

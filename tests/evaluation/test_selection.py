"""Which of the found objects are kept, whatever form the model has."""

from __future__ import annotations

import click
import numpy as np
import pytest
from click.testing import CliRunner

from sparseinst.cli.selection import selection_options
from sparseinst.data.categories import Category
from sparseinst.errors import ConfigError
from sparseinst.evaluation.instances import Instances
from sparseinst.evaluation.selection import Selection

CATEGORIES = [Category(1, "cat"), Category(2, "dog")]


def found() -> Instances:
    """A cat, the same cat again, a dog in the same place, and a cat elsewhere; best first."""
    masks = np.zeros((4, 20, 30), np.bool_)
    masks[0, 2:12, 2:12] = masks[1, 3:12, 2:12] = masks[2, 2:12, 2:12] = masks[3, 2:8, 20:28] = True
    scores = np.array([0.9, 0.8, 0.7, 0.2], np.float32)
    return Instances(scores=scores, classes=np.array([0, 0, 1, 0]), masks=masks)


def kept(selection: Selection) -> list[float]:
    chosen = selection.of(found(), CATEGORIES)
    assert len(chosen.masks) == len(chosen.classes) == len(chosen)
    return [round(score, 1) for score in chosen.scores.tolist()]


def test_by_default_everything_is_kept() -> None:
    assert kept(Selection()) == [0.9, 0.8, 0.7, 0.2]


def test_a_duplicate_of_the_same_class_goes() -> None:
    assert kept(Selection(mask_nms=0.5)) == [0.9, 0.7, 0.2]
    assert kept(Selection(mask_nms=0.95)) == [0.9, 0.8, 0.7, 0.2]


def test_a_class_may_have_a_bound_of_its_own_lower_or_higher_than_the_others() -> None:
    assert kept(Selection(min_score=0.5)) == [0.9, 0.8, 0.7]
    assert kept(Selection(min_score=0.5, class_scores={"dog": 0.75})) == [0.9, 0.8]
    assert kept(Selection(min_score=0.5, class_scores={"cat": 0.1})) == [0.9, 0.8, 0.7, 0.2]


def test_the_best_are_kept_after_duplicates_have_gone() -> None:
    assert kept(Selection(mask_nms=0.5, most=2)) == [0.9, 0.7]


def test_the_best_ones_are_not_copied() -> None:
    instances = found()
    assert np.shares_memory(Selection(min_score=0.5, most=2).of(instances, CATEGORIES).masks, instances.masks)


def test_nothing_found_stays_nothing() -> None:
    nothing = found().best(0)
    assert len(Selection(mask_nms=0.5, most=3, class_scores={"cat": 0.5}).of(nothing, CATEGORIES)) == 0


def test_an_unknown_class_is_named_before_anything_is_looked_at() -> None:
    Selection(class_scores={"dog": 0.5}).check(CATEGORIES)
    with pytest.raises(ConfigError, match="'dgo'") as caught:
        Selection(class_scores={"dgo": 0.5}).check(CATEGORIES)
    assert "cat, dog" in str(caught.value)


@click.command()
@selection_options
def echo(class_scores: dict[str, float], mask_nms: float, most: int) -> None:
    click.echo(f"{class_scores} {mask_nms} {most}")


def test_the_command_line_reads_them_and_names_what_it_cannot_read() -> None:
    run = CliRunner().invoke(
        echo, ["--class-score", "a=b=0.5", "--class-score", "dog=1", "--mask-nms", "0.6", "--most", "3"]
    )
    assert run.output.strip() == "{'a=b': 0.5, 'dog': 1.0} 0.6 3"
    for wrong in ("dog", "dog=2", "dog=x", "=", "=0.5x"):
        run = CliRunner().invoke(echo, ["--class-score", wrong])
        assert run.exit_code == 2
        assert "NAME=SCORE" in run.output

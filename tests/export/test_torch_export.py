"""The second format holds the same contract as the first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sparseinst.errors import ExportError
from sparseinst.evaluation.predictors.predictor import open_predictor
from sparseinst.export.cases import Case, variants
from sparseinst.export.contract import OUTPUTS, fingerprint
from sparseinst.export.export import describe
from sparseinst.export.golden import drawn
from sparseinst.export.parity import measure_parity
from sparseinst.export.torch_export import load_program, save_program, torch_export
from sparseinst.training.checkpoint import load_checkpoint, restore_model


@pytest.fixture(scope="module")
def program(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    saved = load_checkpoint(checkpoint)
    metadata = {**describe(saved), "max_pixels": 24_000}
    path = tmp_path_factory.mktemp("program") / "shapes.pt2"
    save_program(torch_export(restore_model(saved), metadata), path, metadata)
    return path


@pytest.fixture(scope="module")
def loaded(program: Path) -> tuple[Callable[[torch.Tensor], tuple[torch.Tensor, ...]], dict[str, Any]]:
    return load_program(program)


def test_the_program_answers_as_the_checkpoint_does_for_any_batch_and_size(checkpoint: Path, loaded) -> None:
    answer, metadata = loaded
    cases = [
        Case("tiny", [drawn(33, 47, 0)]),
        Case("a batch", variants(drawn(61, 90, 1), 4)),
        Case("strip", [drawn(40, 300, 2)]),
        Case("own size", [drawn(64, 96, 3)]),
    ]
    parity = measure_parity(restore_model(load_checkpoint(checkpoint)), answer, cases)
    assert parity["passed"], parity["worst_where"]
    assert parity["instances_compared"] > 50
    outputs = answer(torch.zeros((3, 3, 50, 60), dtype=torch.uint8))
    assert [str(output.numpy().dtype) for output in outputs] == [spec.dtype for spec in OUTPUTS]
    assert outputs[-1].tolist() == [list(fingerprint(metadata))] * 3


def test_what_is_too_small_or_too_large_is_refused(loaded) -> None:
    answer, _ = loaded
    for size in ((32, 60), (1, 1), (200, 200)):
        with pytest.raises(ValueError, match=f"{size[1]} x {size[0]} pixels"):
            answer(torch.zeros((1, 3, *size), dtype=torch.uint8))


def test_it_is_asked_like_any_other_model(checkpoint: Path, program: Path) -> None:
    image = drawn(80, 120, 5)
    with open_predictor(str(checkpoint)) as eager, open_predictor(str(program)) as exported:
        assert type(eager) is not type(exported)
        (one,), (other,) = eager.predict([image]), exported.predict([image])
    assert len(one) == len(other) > 3
    np.testing.assert_allclose(one.scores, other.scores, atol=1e-4)
    assert other.masks.shape[1:] == (80, 120)


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.pt2"
    path.write_bytes(b"no program")
    with pytest.raises(ExportError, match="no exported program"):
        load_program(path)

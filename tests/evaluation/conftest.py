from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from sparseinst.data.ingest import IngestSettings, ingest
from sparseinst.evaluation.instances import Instances
from sparseinst.evaluation.predictors.predictor import Predictor
from sparseinst.evaluation.truth import Truth, load_split
from sparseinst.imaging.read import read_image

TINY = (
    "model.backbone_width=8",
    "model.encoder_channels=16",
    "model.instance_dim=16",
    "model.mask_dim=16",
    "model.kernel_dim=8",
    "input.short_side=64",
    "input.longest_side=104",
)


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset directory with 12 validation images, and its truth."""
    return ingest(
        "sample", tmp_path_factory.mktemp("data") / "sample", IngestSettings(train_images=2, val_images=12)
    ).location


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small network with random weights that finds something everywhere."""
    torch = pytest.importorskip("torch")
    from sparseinst.config import load_config
    from sparseinst.data.categories import Category
    from sparseinst.model.network import build_model
    from sparseinst.training.checkpoint import Checkpoint, save_checkpoint

    config = load_config("sample", TINY)
    torch.manual_seed(0)
    model = build_model(config.model, num_classes=4)
    # At its initial bias a class score is 0.07 whatever the image shows; spread, so that their order is no accident.
    torch.nn.init.normal_(model.decoder.inst_branch.cls_score.weight, std=0.5)
    path = tmp_path_factory.mktemp("model") / "checkpoint.pt"
    categories = [Category(index + 1, name) for index, name in enumerate(("disc", "ring", "cross", "triangle"))]
    save_checkpoint(path, Checkpoint(model.state_dict(), config, categories, iteration=0))
    return path


class Oracle(Predictor):
    """Answers with the truth. It knows an image by its pixels."""

    def __init__(self, data: Path) -> None:
        self.truth: Truth = load_split(data, "val")
        categories = [{"id": category.id, "name": category.name} for category in self.truth.categories]
        metadata = {"model": "oracle", "categories": categories, "mask_threshold": 0.45}
        super().__init__({**metadata, "short_side": 64, "longest_side": 104}, "here")
        self._answers = {
            read_image(data / "images" / image["file_name"]).tobytes(): self.truth.instances(image)
            for image in self.truth.images
        }
        self.largest_batch = 0
        self.is_closed = False

    def predict(self, images: Sequence[NDArray[np.uint8]]) -> list[Instances]:
        self.largest_batch = max(self.largest_batch, len(images))
        return [self._answers[image.tobytes()] for image in images]

    def _infer(self, batch: NDArray[np.uint8], sizes: Sequence[tuple[int, int]]) -> list[Instances]:
        raise NotImplementedError

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def oracle(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Oracle]:
    """What `evaluate` opens, whatever model it is asked for."""
    predictor = Oracle(dataset)
    monkeypatch.setattr("sparseinst.evaluation.evaluate.open_predictor", lambda model: predictor)
    yield predictor

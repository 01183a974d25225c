import sys

import numpy as np
import pytest

from sparseinst.errors import ConfigError, EvaluationError, SparseInstError
from sparseinst.evaluation.predictors.predictor import LARGEST_BATCH, Predictor, open_predictor
from sparseinst.imaging.read import read_image

torch = pytest.importorskip("torch")

SIZES = [(64, 64), (33, 47), (64, 64), (427, 640), (20, 900)]


@pytest.fixture(scope="module")
def exported(checkpoint, tmp_path_factory):
    """The exported file of the small network."""
    from sparseinst.export.export import describe
    from sparseinst.export.torchscript import save_script, script
    from sparseinst.model.network import build_model
    from sparseinst.model.weights import load_weights
    from sparseinst.training.checkpoint import load_checkpoint

    saved = load_checkpoint(checkpoint)
    model = build_model(saved.config.model, num_classes=4)
    load_weights(model, saved.weights)
    path = tmp_path_factory.mktemp("export") / "model.pt"
    save_script(script(model.eval(), describe(saved)), path, describe(saved))
    return path


def images(sizes=SIZES):
    random = np.random.default_rng(0)
    return [random.integers(0, 256, (*size, 3), dtype=np.uint8) for size in sizes]


def assert_same(one, other):
    assert len(one) == len(other) > 0
    np.testing.assert_allclose(one.scores, other.scores, atol=1e-4)
    np.testing.assert_array_equal(one.classes, other.classes)
    assert (one.masks != other.masks).mean() <= 1e-3


def test_a_checkpoint_answers_in_the_images_order_with_masks_of_their_sizes(checkpoint):
    with open_predictor(str(checkpoint)) as predictor:
        found = predictor.predict(images())
    assert [category.name for category in predictor.categories] == ["disc", "ring", "cross", "triangle"]
    assert [instances.masks.shape[1:] for instances in found] == SIZES
    for instances in found:
        assert instances.masks.dtype == np.bool_ and instances.classes.dtype == np.int64
        assert (np.diff(instances.scores) <= 0).all()
        assert len(instances) == predictor.metadata["instances"]


def test_an_image_gets_the_same_answer_alone_and_among_others(checkpoint):
    with open_predictor(str(checkpoint)) as predictor:
        together = predictor.predict(images())
        for image, found in zip(images(), together, strict=True):
            assert_same(predictor.predict([image])[0], found)


def test_an_export_answers_as_its_checkpoint(checkpoint, exported):
    with open_predictor(str(checkpoint)) as eager, open_predictor(str(exported)) as script:
        assert type(eager) is not type(script)
        assert eager.metadata == script.metadata
        for one, other in zip(eager.predict(images()), script.predict(images()), strict=True):
            assert_same(one, other)


def test_no_images_are_no_error(checkpoint):
    assert open_predictor(str(checkpoint)).predict([]) == []


def test_batches_hold_images_of_one_size_and_never_too_many(checkpoint):
    batches = []

    class Recorder(Predictor):
        def _infer(self, batch, sizes):
            batches.append(batch.shape)
            assert batch.flags.c_contiguous
            return [None] * len(sizes)

    metadata = {"model": "m", "categories": [], "short_side": 64, "longest_side": 104, "mask_threshold": 0.45}
    Recorder(metadata, "here").predict(images([(64, 80), (128, 160)] * LARGEST_BATCH + [(80, 64)]))
    assert batches == [(LARGEST_BATCH, 3, 64, 80)] * 2 + [(1, 3, 80, 64)]
    with pytest.raises(EvaluationError, match="short_side, mask_threshold"):
        Recorder({"model": "m", "categories": [], "longest_side": 1}, "here")


@pytest.mark.parametrize("address", ["grpc://host/model", "http://host:8000/model", "grpc://host:1", "grpc://h:1/m/x"])
def test_an_address_of_another_form_is_refused_with_the_right_one(address):
    with pytest.raises(ConfigError, match="grpc://host:port/model"):
        open_predictor(address)


def test_files_that_are_no_models_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="no such model"):
        open_predictor(str(tmp_path / "absent.pt"))
    with pytest.raises(ConfigError, match="directory"):
        open_predictor(str(tmp_path))
    (tmp_path / "text.pt").write_text("weights")
    with pytest.raises(EvaluationError, match="neither a checkpoint nor an exported model"):
        open_predictor(str(tmp_path / "text.pt"))
    torch.save({"state_dict": {}}, tmp_path / "foreign.pt")
    with pytest.raises(SparseInstError, match="cannot be read"):
        open_predictor(str(tmp_path / "foreign.pt"))
    torch.jit.save(torch.jit.script(torch.nn.Identity()), str(tmp_path / "script.pt"))
    with pytest.raises(SparseInstError, match="no exported model"):
        open_predictor(str(tmp_path / "script.pt"))


def test_the_numpy_side_of_prediction_does_not_load_torch():
    import subprocess

    code = (
        "import sys, sparseinst.evaluation.evaluate, sparseinst.evaluation.predictors.triton, "
        "sparseinst.export.decode, sparseinst.imaging.overlay; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_real_pictures_of_odd_modes_can_be_predicted(checkpoint, tmp_path):
    from PIL import Image

    Image.new("L", (31, 77), 90).save(tmp_path / "grey.png")
    with open_predictor(str(checkpoint)) as predictor:
        assert predictor.predict([read_image(tmp_path / "grey.png")])[0].masks.shape[1:] == (77, 31)

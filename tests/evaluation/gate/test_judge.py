"""The gate on real evaluations: with matches.npz of both it knows what is chance."""

import json
import shutil

import pytest

from sparseinst.data.coco import load_coco
from sparseinst.errors import EvaluationError
from sparseinst.evaluation.evaluate import evaluate_detections
from sparseinst.evaluation.finished import read_evaluation
from sparseinst.evaluation.gate.judge import judge, write_judgement
from sparseinst.evaluation.gate.policy import Policy
from sparseinst.files import sha256_of_file, write_json
from sparseinst.manifest import read_manifest
from sparseinst.masks.coco import segmentation_to_rle
from tests.evaluation.gate.measured import outcomes

LOOSE = Policy(max_class_regression=1, max_slice_regression=1)


@pytest.fixture(scope="module")
def evaluations(dataset, tmp_path_factory):
    """Folders of three evaluations on the same data: all objects found; one missed; a third missed."""
    folder = tmp_path_factory.mktemp("evaluations")
    annotations = dataset / "annotations" / "val.json"
    content = load_coco(annotations, dataset / "images")
    sizes = {image["id"]: (image["height"], image["width"]) for image in content["images"]}
    objects = [entry for entry in content["annotations"] if not entry["iscrowd"]]
    for name, kept in (
        ("all", objects),
        ("one missed", objects[1:]),
        ("third missed", objects[: 2 * len(objects) // 3]),
    ):
        results = [
            {
                "image_id": entry["image_id"],
                "category_id": entry["category_id"],
                "score": 0.9,
                "segmentation": segmentation_to_rle(entry["segmentation"], *sizes[entry["image_id"]]),
            }
            for entry in kept
        ]
        for result in results:
            result["segmentation"]["counts"] = _text(result["segmentation"]["counts"])
        write_json(folder / f"{name}.json", results)
        evaluate_detections(folder / f"{name}.json", annotations, folder / name)
    return folder


def _text(counts):
    return counts.decode() if isinstance(counts, bytes) else counts


def _judge(evaluations, candidate, incumbent, policy=LOOSE):
    return judge(read_evaluation(evaluations / candidate), policy, read_evaluation(evaluations / incumbent))


def test_an_equal_model_passes_and_the_interval_is_nothing_wide(evaluations):
    judgement = _judge(evaluations, "all", "all", Policy(within_noise="fail"))
    assert judgement.verdict.decision == "pass", judgement.verdict
    assert judgement.to_dict()["difference"]["high"] == 0


@pytest.mark.parametrize("within_noise", ["pass", "investigate"])
def test_one_missed_object_may_be_chance_and_a_third_of_them_is_none(evaluations, within_noise):
    policy = Policy(within_noise=within_noise, max_class_regression=1, max_slice_regression=1)
    near, far = (_judge(evaluations, name, "all", policy).verdict for name in ("one missed", "third missed"))
    assert outcomes(near)["regression"] == near.decision == within_noise
    assert outcomes(far)["regression"] == far.decision == "fail"
    assert "beyond chance" in far.deciding()[0]


def test_without_matches_every_loss_counts(evaluations, tmp_path):
    shutil.copytree(evaluations / "all", tmp_path / "all")
    (tmp_path / "all" / "matches.npz").unlink()
    verdict = judge(read_evaluation(evaluations / "one missed"), LOOSE, read_evaluation(tmp_path / "all")).verdict
    assert verdict.decision == "fail"
    assert "(no interval)" in verdict.deciding()[0]


def test_damaged_matches_are_no_matches(evaluations, tmp_path):
    shutil.copytree(evaluations / "all", tmp_path / "all")
    (tmp_path / "all" / "matches.npz").write_bytes(b"PK")
    judgement = judge(read_evaluation(evaluations / "all"), LOOSE, read_evaluation(tmp_path / "all"))
    assert (judgement.comparison, judgement.verdict.decision) == (None, "pass")


def test_the_decision_is_kept_with_what_it_was_made_from(evaluations, tmp_path):
    judgement = _judge(evaluations, "third missed", "all")
    manifest = write_judgement(tmp_path, judgement)
    assert read_manifest(tmp_path) == manifest
    ids = [read_manifest(evaluations / name)["id"] for name in ("third missed", "all")]
    assert manifest["inputs"] == {"metrics": ids[0], "incumbent": ids[1]}
    kept = json.loads((tmp_path / "gate.json").read_text())
    assert (kept["schema"], kept["decision"], kept["forced"]) == ("sparseinst.gate/1", "fail", None)
    assert kept["policy"] == LOOSE.to_dict()
    assert kept["candidate"]["AP"] < kept["incumbent"]["AP"]
    assert kept["difference"]["high"] < 0


def test_an_evaluation_is_known_by_its_manifest_or_by_the_hash_of_its_metrics(evaluations, tmp_path):
    assert read_evaluation(evaluations / "all").id == read_manifest(evaluations / "all")["id"]
    assert read_evaluation(evaluations / "all" / "metrics.json").matches == evaluations / "all" / "matches.npz"
    alone = shutil.copy(evaluations / "all" / "metrics.json", tmp_path / "old.json")
    assert read_evaluation(tmp_path / "old.json").id == sha256_of_file(tmp_path / "old.json"), alone
    with pytest.raises(EvaluationError, match="cannot be read"):
        read_evaluation(tmp_path)

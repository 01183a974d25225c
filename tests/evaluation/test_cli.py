import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from sparseinst.cli import cli
from sparseinst.errors import ConfigError, DatasetError, EvaluationError, GateRefused
from sparseinst.manifest import read_manifest
from tests.evaluation.gate import measured


def sparseinst(*arguments, code=0):
    """Runs a verb in a process of its own; gives its stdout and stderr."""
    command = [sys.executable, "-m", "sparseinst", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, cwd=Path(__file__).parents[2])
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout, done.stderr


def run(*arguments):
    """Runs a verb in this process; errors come through."""
    return CliRunner().invoke(
        cli, [str(argument) for argument in arguments], catch_exceptions=False, standalone_mode=False
    )


def write(path, value):
    path.write_text(json.dumps(value))
    return path


def test_predict_evaluate_and_gate_follow_each_other(dataset, checkpoint, tmp_path):
    out, _ = sparseinst("evaluate", "--data", dataset, "--model", checkpoint, "--output", tmp_path / "eval")
    assert "12 images" in out and str(tmp_path / "eval/overlays.jpg") in out
    out, _ = sparseinst("gate", "--candidate", tmp_path / "eval/metrics.json", "--json")
    assert json.loads(out)["decision"] == "pass"
    out, err = sparseinst("gate", "--candidate", tmp_path / "eval/metrics.json", "--min-ap", 0.99, code=10)
    assert out.startswith("fail: mask AP")
    assert "error: The gate refused the candidate." in err and "fix:" in err


def test_predict_gives_one_coco_object_and_a_picture_for_every_image(checkpoint, tmp_path):
    (tmp_path / "other").mkdir()
    for folder in (tmp_path, tmp_path / "other"):
        Image.new("RGB", (90, 60), (200, 30, 30)).save(folder / "a.png")
    pictures = tmp_path / "out"
    arguments = [tmp_path / "a.png", tmp_path / "other/a.png", "--model", checkpoint, "--min-score", 0, "--json"]
    coco = json.loads(run("predict", *arguments, "--output", pictures).stdout)
    assert [image["file_name"] for image in coco["images"]] == [str(tmp_path / "a.png"), str(tmp_path / "other/a.png")]
    assert {category["name"] for category in coco["categories"]} == {"disc", "ring", "cross", "triangle"}
    assert [annotation["id"] for annotation in coco["annotations"]] == list(range(1, len(coco["annotations"]) + 1))
    assert all(annotation["segmentation"]["size"] == [60, 90] for annotation in coco["annotations"])
    assert sorted(path.name for path in pictures.iterdir()) == ["a-2.jpg", "a.jpg", "predictions.json"]
    assert json.loads((pictures / "predictions.json").read_text()) == coco


def test_predict_gives_outlines_and_keeps_what_it_is_told_to(checkpoint, tmp_path):
    Image.new("RGB", (90, 60), (200, 30, 30)).save(tmp_path / "a.png")
    arguments = ["predict", tmp_path / "a.png", "--model", checkpoint, "--min-score", 0, "--json"]
    everything = json.loads(run(*arguments).stdout)["annotations"]
    few = json.loads(run(*arguments, "--polygons", "--most", 2).stdout)["annotations"]
    assert [entry["score"] for entry in few] == [entry["score"] for entry in everything[:2]]
    for entry in few:
        assert all(len(outline) >= 6 and len(outline) % 2 == 0 for outline in entry["segmentation"])
    with pytest.raises(ConfigError, match="'dgo'"):
        run(*arguments, "--class-score", "dgo=0.5")


def test_predict_says_how_many_objects_each_image_holds(checkpoint, tmp_path):
    Image.new("RGB", (90, 60)).save(tmp_path / "a.png")
    lines = run("predict", tmp_path / "a.png", "--model", checkpoint, "--min-score", 1).stdout.splitlines()
    assert lines[0] == f"{tmp_path / 'a.png'}: 0 objects"
    assert lines[1].startswith("next:")


def test_predict_names_all_missing_images_at_once_and_writes_nothing(checkpoint, tmp_path):
    with pytest.raises(DatasetError, match="2 of 2 images are not there"):
        run("predict", "no.jpg", "none.jpg", "--model", checkpoint, "--output", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_predict_refuses_a_file_that_is_no_image(checkpoint, tmp_path):
    (tmp_path / "a.jpg").write_text("no image")
    _, err = sparseinst("predict", tmp_path / "a.jpg", "--model", checkpoint, code=3)
    assert "cannot be decoded" in err and str(tmp_path / "a.jpg") in err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--data", "d"],
        ["--model", "m"],
        ["--detections", "f.json"],
        ["--data", "d", "--annotations", "a.json"],
        ["--data", "d", "--model", "m", "--detections", "f.json", "--annotations", "a.json"],
    ],
)
def test_evaluate_takes_a_model_with_data_or_detections_with_annotations(arguments, tmp_path):
    import click

    with pytest.raises(click.UsageError, match="--data with --model, or --detections with --annotations"):
        run("evaluate", *arguments, "--output", tmp_path)


def test_evaluate_measures_a_file_of_detections(tmp_path):
    coco = {
        "images": [{"id": 1, "file_name": "a.jpg", "height": 20, "width": 20}],
        "categories": [{"id": 1, "name": "disc"}],
        "annotations": [],
    }
    annotations, detections = write(tmp_path / "val.json", coco), write(tmp_path / "found.json", [])
    arguments = ["--annotations", annotations, "--output", tmp_path / "out"]
    result = run("evaluate", "--detections", detections, *arguments, "--json")
    assert json.loads(result.stdout)["AP"] is None
    assert "AP     -" in run("evaluate", "--detections", detections, *arguments).stdout
    write(detections, [{"image_id": 5}])
    with pytest.raises(EvaluationError, match="1 finding"):
        run("evaluate", "--detections", detections, *arguments)


@pytest.mark.parametrize(
    ("metrics", "decision"), [({"AP": None}, "fail"), ({}, "fail"), ({"AP": 0.8, "dataset": "b"}, "investigate")]
)
def test_gate_prints_its_decision_also_when_it_refuses(metrics, decision, tmp_path, capsys):
    candidate = write(tmp_path / "new.json", metrics)
    incumbent = write(tmp_path / "old.json", {"AP": 0.7, "dataset": "a"})
    with pytest.raises(GateRefused) as caught:
        cli.main(
            ["gate", "--candidate", str(candidate), "--incumbent", str(incumbent), "--json"], standalone_mode=False
        )
    verdict = json.loads(capsys.readouterr().out)
    assert verdict["decision"] == decision
    assert list(caught.value.details) == [r["text"] for r in verdict["reasons"] if r["outcome"] == decision]


def test_gate_says_of_every_check_what_it_found(tmp_path):
    candidate = write(tmp_path / "metrics.json", measured.metrics(0.6))
    lines = run("gate", "--candidate", candidate, "--min-ap", 0.5, "--set", "max_latency_ms=60").stdout.splitlines()
    assert lines[0].startswith("pass: ")
    assert [line.split()[1] for line in lines[1:]] == ["form", "minimum", "data", "latency", "parity"]
    with pytest.raises(GateRefused):
        run("gate", "--candidate", tmp_path, "--set", "max_latency_ms=40")
    with pytest.raises(ConfigError, match="min_app"):
        run("gate", "--candidate", candidate, "--set", "min_app=1")


def test_gate_keeps_its_decision_with_a_manifest_and_who_forced_it(tmp_path):
    (tmp_path / "evaluation").mkdir()
    write(tmp_path / "evaluation/metrics.json", measured.metrics(0.1))
    arguments = ["gate", "--candidate", tmp_path / "evaluation", "--min-ap", 0.5, "--output", tmp_path / "gate"]
    with pytest.raises(GateRefused):
        run(*arguments)
    refused = read_manifest(tmp_path / "gate")
    assert (refused["kind"], refused["facts"]["decision"], refused["facts"]["forced"]) == ("gate", "fail", None)
    with pytest.raises(ConfigError, match="why"):
        run(*arguments, "--force", "--by", "Ada")
    assert read_manifest(tmp_path / "gate") == refused
    assert run(*arguments, "--force", "--by", "Ada", "--why", "a trial").stdout.startswith(
        "pass: forced by Ada: a trial"
    )
    kept = json.loads((tmp_path / "gate/gate.json").read_text())
    assert kept["decision"] == "pass"
    assert {name: kept["forced"][name] for name in ("by", "why", "instead_of")} == {
        "by": "Ada",
        "why": "a trial",
        "instead_of": "fail",
    }
    with pytest.raises(ConfigError, match="--force"):
        run("gate", "--candidate", tmp_path / "evaluation", "--why", "a trial")


def test_gate_refuses_to_write_over_another_artifact(dataset, tmp_path):
    candidate = write(tmp_path / "metrics.json", measured.metrics(0.6))
    with pytest.raises(ConfigError, match="'dataset'"):
        run("gate", "--candidate", candidate, "--output", dataset)


@pytest.mark.parametrize("content", ["", "[]", "{"])
def test_gate_refuses_metrics_that_cannot_be_read(content, tmp_path):
    (tmp_path / "metrics.json").write_text(content)
    with pytest.raises(EvaluationError, match="metrics"):
        run("gate", "--candidate", tmp_path / "metrics.json")
    with pytest.raises(EvaluationError, match="cannot be read"):
        run("gate", "--candidate", tmp_path / "absent.json")

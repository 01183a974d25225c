"""Where the numbers come from: model, data and program, so that one knows what they can be compared with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sparseinst.evaluation.report.figures import max_dets
from sparseinst.evaluation.report.values import part, real, text
from sparseinst.pages.words import joined, number


def title(metrics: Mapping[str, Any]) -> str:
    """What people call the model."""
    model = part(metrics, "model")
    source = text(model, "source").rstrip("/")
    return text(model, "name") or source.rpartition("/")[2] or "Model"


def origin(metrics: Mapping[str, Any], commit: str) -> list[tuple[str, str, bool]]:
    """(what, value, whether it is a hash or an address); what is not known is left out."""
    model, engine = part(metrics, "model"), part(metrics, "engine")
    speed = part(metrics, "speed")
    found = [
        ("Model", text(model, "name"), False),
        ("Model file or address", text(model, "source"), True),
        ("Checkpoint, SHA-256", text(model, "checkpoint_sha256"), True),
        ("Export", text(model, "export_id"), True),
        ("Dataset, SHA-256 of the annotations", text(metrics, "dataset"), True),
        ("Split", text(metrics, "split"), False),
        ("Detections that count, of an image and a class", _allowed(metrics), False),
        ("Compared by", f"{text(engine, 'name')} {text(engine, 'version')}".strip(), False),
        ("Device", text(speed, "device"), False),
        ("Code, commit", commit, True),
        ("Schema", text(metrics, "schema"), True),
    ]
    return [(what, value, is_code) for what, value, is_code in found if value]


def about_data(metrics: Mapping[str, Any]) -> str:
    """What was measured on: "5 000 images of val, 36 335 objects and 446 crowd regions of 80 classes …"."""
    images, objects, crowds, found = (real(metrics, name) for name in ("images", "instances", "crowds", "detections"))
    split, classes = text(metrics, "split"), len(part(metrics, "per_class"))
    held = [
        _counted(objects, "object"),
        _counted(crowds, "crowd region") if crowds else "",
    ]
    objects_text = joined([each for each in held if each])
    parts = [
        _counted(images, "image") + (f" of {split}" if split and images is not None else ""),
        objects_text + (f" of {_counted(classes, 'class', 'classes')}" if classes and objects_text else ""),
        _counted(found, "detection"),
    ]
    return ", ".join(each for each in parts if each)


def _counted(value: float | None, one: str, several: str = "") -> str:
    return "" if value is None else f"{number(value)} {one if value == 1 else several or one + 's'}"


def _allowed(metrics: Mapping[str, Any]) -> str:
    return joined([number(value) for value in max_dets(metrics)]) if "max_dets" in metrics else ""

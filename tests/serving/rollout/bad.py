"""Models that a rollout has to keep from the service."""

from __future__ import annotations

from pathlib import Path

from tests.serving import tiny
from tests.serving.rollout.load import Version, write_export


def moody(folder: Path, name: str, version: Version, mood: str) -> Path:
    """Answers as it should for the golden images, and otherwise for bright ones: it "fails", or "swaps" the classes."""
    return write_export(folder, name, version, served=version.model(mood=mood))


def wrong_weights(folder: Path, name: str, version: Version) -> str:
    write_export(folder, name, version, served=version.model(gain=version.gain + 0.3))
    return "differ from the export's for 3 of 3"


def garbage(folder: Path, name: str, version: Version) -> str:
    write_export(folder, name, version)
    (folder / name / "1" / "model.pt").write_bytes(b"no model" * 1000)
    tiny.seal(folder)
    return "is no model of these tests"


def no_numbers(folder: Path, name: str, version: Version) -> str:
    write_export(folder, name, version, served=version.model(gain=float("nan")))
    return "differ from the export's for 3 of 3"


def slow(folder: Path, name: str, version: Version) -> str:
    write_export(folder, name, version, served=version.model(pause_s=0.03))
    return "times as long as"


BAD = (wrong_weights, garbage, no_numbers, slow)

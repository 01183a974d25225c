"""One manifest that was found somewhere, read without trusting it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sparseinst.files import sha256_of_json

_COPY = re.compile(r"[a-z]+-[0-9a-f]{12}\.manifest\.json")
_OUTSIDE_THE_ID = ("id", "source", "made", "seal")


@dataclass(frozen=True, eq=False)
class Artifact:
    """A manifest's content and place. `shown` is what people call the folder; another name than `path` in a bucket.

    Every property copes with a manifest that somebody changed.
    """

    manifest: Mapping[str, Any]
    path: Path
    shown: str

    @property
    def is_copy(self) -> bool:
        """Whether only the manifest is here: a deployment carries those of everything that it was made from."""
        return bool(_COPY.fullmatch(self.path.name))

    @property
    def kind(self) -> str:
        return str(self.manifest.get("kind"))

    @property
    def id(self) -> str:
        """The id that the manifest claims."""
        return str(self.manifest.get("id"))

    @cached_property
    def computed_id(self) -> str:
        """The id that its content has; empty where it can have none."""
        body = {name: value for name, value in self.manifest.items() if name not in _OUTSIDE_THE_ID}
        return _sha256(body)

    @cached_property
    def computed_seal(self) -> str:
        """The hash of everything but the seal: it also covers when and where the artifact was made."""
        return _sha256({name: value for name, value in self.manifest.items() if name != "seal"})

    @property
    def is_intact(self) -> bool:
        """Whether the manifest's content is that of its id and of its seal; older manifests have no seal."""
        return self.id == self.computed_id and self.manifest.get("seal", self.computed_seal) == self.computed_seal

    @property
    def inputs(self) -> dict[str, str]:
        return {str(role): str(value) for role, value in self._part("inputs").items()}

    @property
    def files(self) -> dict[str, str]:
        return {str(name): str(digest) for name, digest in self._part("files").items()}

    @property
    def facts(self) -> dict[str, Any]:
        return self._part("facts")

    @property
    def settings(self) -> dict[str, Any]:
        return self._part("settings")

    @cached_property
    def settings_sha256(self) -> str:
        """The hash of the resolved configuration: the same recipe has the same."""
        return _sha256(self.settings)

    @property
    def made(self) -> dict[str, Any]:
        return self._part("made")

    @property
    def source(self) -> dict[str, Any]:
        return self._part("source")

    def _part(self, name: str) -> dict[str, Any]:
        value = self.manifest.get(name)
        return value if isinstance(value, dict) else {}


def copy_name(artifact: Artifact) -> str:
    """What a copy of the manifest is called in the folder of something that was made from it."""
    return f"{artifact.kind}-{artifact.computed_id[:12]}.manifest.json"


def read_artifact(path: Path, shown: str = "") -> Artifact | None:
    """The manifest in a file; None where it is none that can be read."""
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(manifest, dict) or not {"id", "kind"} & manifest.keys():
        return None
    return Artifact(manifest, path, shown or str(path.parent))


def _sha256(value: Any) -> str:
    try:
        return sha256_of_json(value)
    except ValueError:  # a NaN, which no manifest of ours has
        return ""

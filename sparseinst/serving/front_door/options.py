"""What a client may ask for with its picture: the parameters of the request."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Self

from sparseinst.errors import ConfigError
from sparseinst.settings import fill

_TRITONS_OWN = "triton_"  # parameters that Triton may add itself


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What is kept of the objects, and how their outlines are written."""

    min_score: float = 0.3
    most: int = 100
    polygons: bool = False  # outlines, which fill holes, in place of RLE

    @classmethod
    def parse(cls, text: str) -> Self:
        """Of the JSON object that Triton makes of a request's parameters.

        Raises:
            ConfigError: An unknown name, or a value that it cannot have.
        """
        try:
            content = json.loads(text)
        except ValueError as error:  # e.g. a number that is none
            raise ConfigError("The parameters are no JSON.", where="parameters", fix="Give plain numbers.") from error
        asked = {name: value for name, value in content.items() if not name.startswith(_TRITONS_OWN)}
        options: Self = fill(cls, asked, "parameters")
        if not 0 <= options.min_score <= 1:
            raise ConfigError(
                f"{options.min_score:g} is no score.", where="parameters.min_score", fix="Give a number from 0 to 1."
            )
        if options.most < 1:
            raise ConfigError(
                f"{options.most} objects cannot be given.",
                where="parameters.most",
                fix="Give 1 or more.",
            )
        return options

"""How class names are written in settings: "new=old,old". A comma or equals sign in a name needs a backslash."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sparseinst.errors import ConfigError


def parse_merge(text: str) -> tuple[str, list[str]]:
    """The new name and the old ones of "vehicle=car,bus".

    Raises:
        ConfigError: The text is of another form.
    """
    new, olds = _halves(text)
    names = [name for name in map(_plain, re.split(r"(?<!\\),", olds)) if name.strip()]
    if not new or not names:
        raise ConfigError(
            f"'{text}' is not of the form new=old,old.", where="--merge", fix="E.g. vehicle=car,bus,truck"
        )
    return new, names


def parse_rename(text: str) -> tuple[str, str]:
    r"""The new name and the old one of "television=tv". A comma may stand there with or without a backslash.

    Raises:
        ConfigError: The text is of another form.
    """
    new, old = _halves(text)
    if not new or not old.strip():
        raise ConfigError(f"'{text}' is not of the form new=old.", where="--rename", fix="E.g. television=tv")
    return new, _plain(old)


def write_names(new: str, olds: Sequence[str]) -> str:
    """The text that `parse_merge` reads."""
    return "=".join([_escaped(new), ",".join(map(_escaped, olds))])


def _halves(text: str) -> tuple[str, str]:
    """What stands before the first equals sign, as a name, and what stands after it."""
    new, *rest = re.split(r"(?<!\\)=", text, maxsplit=1)
    return _plain(new).strip(), "".join(rest)


def _plain(text: str) -> str:
    return re.sub(r"\\([,=])", r"\1", text)


def _escaped(name: str) -> str:
    return re.sub(r"([,=])", r"\\\1", name)

from __future__ import annotations

import re
from pathlib import Path

_PAGE = Path(__file__).parents[3] / "docs" / "clients.md"


def examples(language: str) -> list[str]:
    """The page's blocks of code in one language."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", _PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert found
    return list(found)

"""Every artifact names the code that made it: the commit that git knows, or the one that an image was built from."""

from __future__ import annotations

import subprocess

import pytest

from sparseinst.manifest import code_commit
from tests.conftest import ROOT


def test_the_code_of_a_checkout_is_known_by_its_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    head = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    if head.returncode:
        pytest.skip("needs a git checkout")
    monkeypatch.delenv("SPARSEINST_COMMIT")
    assert code_commit().removesuffix("-dirty") == head.stdout.strip()


def test_the_code_in_an_image_is_known_by_what_the_image_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARSEINST_COMMIT", "f" * 40)
    assert code_commit() == "f" * 40

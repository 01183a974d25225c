"""What the local stack keeps in its folder."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from sparseinst.serving.stack.state import StackState, read_state


def test_what_the_stack_remembers_can_be_read_by_its_owner_only(tmp_path: Path):
    mask = os.umask(0o022)
    try:
        state = StackState(root=tmp_path / "stack", ports={"grpc": 1, "s3": 2})
        state.write()
        state.write()  # in place of itself
    finally:
        os.umask(mask)
    (file,) = state.root.glob("*.json")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert state.secret_key in file.read_text()
    assert read_state(state.root) == state


def test_every_stack_has_credentials_of_its_own(tmp_path: Path):
    first, second = StackState(root=tmp_path), StackState(root=tmp_path)
    assert not {first.secret_key, first.triton_key} & {second.secret_key, second.triton_key}
    assert min(len(first.secret_key), len(first.triton_key)) >= 40

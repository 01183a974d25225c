"""A component is a doorway: typed, documented, and with nothing behind it that is imported too early."""

import ast
import sys

import pytest

from tests.conftest import ROOT

FILES = sorted((ROOT / "components").glob("*/component.py"))


def _imports(nodes):
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


def _function(path):
    (function,) = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)]
    return function


def test_there_is_one_component_for_each_step():
    from pipelines.pipeline import STEPS

    assert {path.parent.name for path in FILES} == {*STEPS, "train_job"}  # train, where one node is not enough


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_at_module_level_only_the_standard_library_kfp_and_the_image_are_imported(path):
    allowed = {*sys.stdlib_module_names, "kfp"}
    for name in _imports(ast.parse(path.read_text()).body):
        assert name.split(".")[0] in allowed or name == "components.image"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_the_body_imports_the_library_and_never_kfp(path):
    names = list(_imports(ast.walk(_function(path))))
    assert "sparseinst.steps" in names
    assert not [name for name in names if name.split(".")[0] in {"kfp", "components", "pipelines"}]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_every_parameter_is_typed_and_described(path):
    function = _function(path)
    described = ast.get_docstring(function)
    for argument in function.args.args:
        assert argument.annotation is not None
        assert f"    {argument.arg}: " in described


def test_the_image_is_chosen_at_compile_time(monkeypatch):
    import importlib

    from components import image

    monkeypatch.setenv("SPARSEINST_IMAGE", "registry.example/sparseinst:1")
    assert importlib.reload(image).IMAGE == "registry.example/sparseinst:1"
    monkeypatch.delenv("SPARSEINST_IMAGE")
    importlib.reload(image)

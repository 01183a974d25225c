"""Nothing that this project reads can run code: every call that could is looked for in the source."""

import ast

import pytest

from tests.conftest import ROOT

# Where a program is what is asked for: a TorchScript file is one, and so is what Triton or evaluation is told to load.
PROGRAMS = {"sparseinst/export/torchscript.py", "deploy/triton_backend/pytorch/model.py"}

_NEVER = {
    "eval",
    "exec",
    "os.system",
    "os.popen",
    "pickle.load",
    "pickle.loads",
    "pickle.Unpickler",
    "marshal.loads",
    "shelve.open",
    "yaml.load",
    "yaml.full_load",
    "yaml.unsafe_load",
    "tarfile.extractall",
    "shutil.unpack_archive",
}
_SOURCES = [
    path for folder in ("sparseinst", "components", "pipelines", "deploy") for path in (ROOT / folder).rglob("*.py")
]


def dangers(source: str) -> list[str]:
    """The calls in a source that could run what a file says."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
        if name in _NEVER or name.endswith((".extractall", ".extract")):
            found.append(name)
        elif name == "torch.load" and given.get("weights_only") != "True":
            found.append("torch.load without weights_only")
        elif name == "torch.jit.load":
            found.append(name)
        elif name.endswith("np.load") and given.get("allow_pickle", "False") != "False":
            found.append("np.load with pickles")
        elif given.get("shell") == "True":
            found.append(f"{name} with a shell")
    return found


def test_nothing_that_the_project_loads_can_run_code():
    assert len(_SOURCES) > 300
    found = {str(path.relative_to(ROOT)): dangers(path.read_text()) for path in _SOURCES}
    assert {path: calls for path, calls in found.items() if calls and path not in PROGRAMS} == {}
    assert {path: found[path] for path in PROGRAMS} == {path: ["torch.jit.load"] for path in PROGRAMS}


@pytest.mark.parametrize(
    "source",
    [
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "np.load(path, allow_pickle=True)",
        "pickle.loads(content)",
        "yaml.load(text, Loader=yaml.Loader)",
        "subprocess.run(command, shell=True)",
        "archive.extractall(folder)",
        "eval(text)",
    ],
)
def test_a_call_that_could_is_found(source: str):
    assert dangers(source)


def test_what_is_safe_is_left_alone():
    assert dangers("torch.load(path, weights_only=True); np.load(path); model.eval()") == []

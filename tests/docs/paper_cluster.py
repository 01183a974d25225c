"""A cluster on paper: what the operators' commands would do, as far as it can be known without a cluster.

Called in the name of a command of the documents (kubectl, helm, docker …), it asks the real kubectl whether it
understands the line, renders what would be applied with it, remembers the objects, and refuses what names an object
that nothing has made. Commands of other tools are noted; `make` is asked for its plan where it would need a cluster.

    PAPER=folder python paper_cluster.py kubectl apply -k deploy/overlays/cpu -n vision
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import yaml

from sparseinst.cli import cli

FOLDER = Path(os.environ["PAPER"])
KUBECTL = str(Path(sys.executable).parent / "kubectl")
KINDS = {
    "deploy": "deployment", "svc": "service", "sa": "serviceaccount", "cm": "configmap", "pvc": "persistentvolumeclaim",
    "hpa": "horizontalpodautoscaler", "ns": "namespace", "netpol": "networkpolicy", "pdb": "poddisruptionbudget",
}  # fmt: skip
NAMELESS = {"pod", "event", "node", "trainjob", "workflow", "crd", "storageclass", "apiservice"}  # made by others
MISUNDERSTOOD = ("unknown flag", "unknown shorthand", "unknown command", "required flag", "error: unexpected", "must ")


def objects() -> dict[str, dict]:
    path = FOLDER / "objects.json"
    return json.loads(path.read_text()) if path.exists() else {}


def remember(found: list[dict], namespace: str) -> None:
    known = objects()
    for each in found:
        key = f"{each['kind'].lower()}/{each['metadata']['name']}"
        print(f"{key} {'configured' if key in known else 'created'}")
        known[key] = {"namespace": each["metadata"].get("namespace", namespace), "object": each}
    (FOLDER / "objects.json").write_text(json.dumps(known))


def real(*arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "KUBECONFIG": str(FOLDER / "closed")}
    return subprocess.run(
        [KUBECTL, *arguments], capture_output=True, text=True, check=False, env=environment, input=given
    )


def kubectl(arguments: list[str]) -> int:
    namespace = _value(arguments, "-n", "--namespace") or "default"
    verb = arguments[0]
    if verb == "kustomize":
        return _show(real(*arguments))
    if verb in ("apply", "create") and (_value(arguments, "-k") or _value(arguments, "-f")):
        return _apply(arguments, namespace)
    if arguments[:2] == ["create", "token"]:
        print("token-on-paper")
        return _names(["serviceaccount", *arguments[2:]])
    if verb == "run" and (wrong := _wrong_command(_value(arguments, "--overrides"))):
        print(wrong, file=sys.stderr)
        return 1
    if verb == "create":
        made = real(*arguments, "--dry-run=client", "-o", "yaml")
        if made.returncode == 0:
            remember(list(yaml.safe_load_all(made.stdout)), namespace)
        return _show(made, quiet=True)
    asked = real("--server=https://127.0.0.1:1", "--request-timeout=1s", *arguments)
    if any(word in asked.stderr for word in MISUNDERSTOOD) and "refused" not in asked.stderr:
        return _show(asked)
    code = _names(arguments)
    if code == 0 and arguments[:2] == ["rollout", "status"]:
        print(f"{arguments[2]} successfully rolled out")
    return code


def _wrong_command(overrides: str) -> str:
    """What our own command line would say of the command in a pod's specification; empty where it takes it."""
    for container in json.loads(overrides or "{}").get("spec", {}).get("containers", []):
        program, verb, *rest = container["command"]
        command = cli.get_command(click.Context(cli), verb) if program == "sparseinst" else None
        if command is None:
            return f"there is no command '{program} {verb}'"
        try:
            command.make_context(verb, rest)
        except click.ClickException as error:
            return error.format_message()
    return ""


def _apply(arguments: list[str], namespace: str) -> int:
    folder, file = _value(arguments, "-k"), _value(arguments, "-f")
    if folder:
        rendered = real("kustomize", folder)
        if rendered.returncode:
            return _show(rendered)
        text = rendered.stdout
    else:
        text = sys.stdin.read() if file == "-" else Path(file).read_text()
    found = [each for each in yaml.safe_load_all(text) if each]
    if not found:
        print("error: no objects passed to apply", file=sys.stderr)
        return 1
    remember(found, namespace)
    return 0


def _names(arguments: list[str]) -> int:
    """Refuses a line that names an object that is not there. `kind name` and `kind/name` are names."""
    words = arguments[: arguments.index("--")] if "--" in arguments else arguments
    known = objects()
    for word, after in zip(words, [*words[1:], ""], strict=True):
        kind, _, name = word.partition("/")
        kind = KINDS.get(kind, kind).removesuffix("s")
        if not name and (kind in NAMELESS or not any(key.startswith(f"{kind}/") for key in known)):
            continue
        name = name or ("" if after.startswith("-") else after)
        if name and kind not in NAMELESS and "." not in kind and f"{kind}/{name}" not in known:
            print(f'Error from server (NotFound): {kind} "{name}" not found', file=sys.stderr)
            return 1
    return 0


def _value(arguments: list[str], *names: str) -> str:
    for position, word in enumerate(arguments):
        if word in names:
            return arguments[position + 1]
        for name in names:
            if name.startswith("--") and word.startswith(f"{name}="):
                return word.partition("=")[2]
    return ""


def _show(done: subprocess.CompletedProcess[str], quiet: bool = False) -> int:
    if not quiet:
        print(done.stdout, end="")
    print(done.stderr, end="", file=sys.stderr)
    return done.returncode


def main() -> int:
    name, *arguments = sys.argv[1:]
    with (FOLDER / "lines.jsonl").open("a") as lines:
        lines.write(json.dumps([name, *arguments]) + "\n")
    return kubectl(arguments) if name == "kubectl" else 0


if __name__ == "__main__":
    sys.exit(main())

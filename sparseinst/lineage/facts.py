"""The few facts of an artifact that a person wants to see first."""

from __future__ import annotations

from collections.abc import Callable

from sparseinst.lineage.artifact import Artifact


def facts_of(artifact: Artifact) -> list[str]:
    """Short phrases; what a manifest does not say is left out."""
    told = _FACTS.get(artifact.kind, lambda _: [])(artifact)
    version = artifact.inputs.get("data_version") or artifact.source.get("version")
    return [*told, *([f"data version {version}"] if version else [])]


def _dataset(artifact: Artifact) -> list[str]:
    facts = artifact.facts
    splits = [
        f"{facts[split].get('images')} {split} images, {facts[split].get('instances')} objects"
        for split in ("train", "val")
        if isinstance(facts.get(split), dict)
    ]
    return [*splits, *([f"from {artifact.source['uri']}"] if artifact.source.get("uri") else [])]


def _checkpoint(artifact: Artifact) -> list[str]:
    facts, model = artifact.facts, artifact.settings.get("model")
    name = model.get("name") if isinstance(model, dict) else None
    best = facts.get("best_ap")
    return [
        *([str(name)] if name else []),
        *([f"config {artifact.settings_sha256[:12]}"] if artifact.settings else []),
        *([f"{facts['iterations']} iterations"] if "iterations" in facts else []),
        *([f"best AP {best:.4f}"] if isinstance(best, float) else []),
        *([f"from {artifact.inputs['weights_place']}"] if artifact.inputs.get("weights_place") else []),
    ]


def _metrics(artifact: Artifact) -> list[str]:
    facts = artifact.facts
    ap = facts.get("AP")
    number = f"{ap:.4f}" if isinstance(ap, (int, float)) else "undefined"
    return [f"AP {number} on {facts.get('images')} images"]


def _gate(artifact: Artifact) -> list[str]:
    forced = artifact.facts.get("forced")
    words = f" FORCED by {forced.get('by')}: {forced.get('why')}" if isinstance(forced, dict) else ""
    return [f"{artifact.facts.get('decision')}{words}"]


def _export(artifact: Artifact) -> list[str]:
    parity = artifact.facts.get("parity")
    numbers = parity.items() if isinstance(parity, dict) else ()
    worst = [f"{name} {value:.1e}" for name, value in numbers if isinstance(value, float)]
    within = [f"exported = trained within {', '.join(worst)}"] if worst else []
    return [f"model '{artifact.settings.get('name')}'", *within]


def _deployment(artifact: Artifact) -> list[str]:
    without = [name for name in ("gate", "metrics") if name not in artifact.inputs]
    return [
        f"'{artifact.settings.get('name')}' version {artifact.settings.get('version')}",
        *([f"deployed without {' and '.join(without)}"] if without else []),
    ]


_FACTS: dict[str, Callable[[Artifact], list[str]]] = {
    "dataset": _dataset,
    "checkpoint": _checkpoint,
    "metrics": _metrics,
    "gate": _gate,
    "export": _export,
    "deployment": _deployment,
}

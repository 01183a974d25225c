"""What serves after a rollout, in Markdown: where, how well it was proven, how to ask it, how to go back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sparseinst.evaluation.report.values import listed, milliseconds, part, real, text
from sparseinst.export.contract import FRONT
from sparseinst.pages.markdown import block, document, plain, table


def serving_summary(served: Mapping[str, Any], client_url: str = "") -> str:
    """Markdown of what `Deployment.to_dict` gives.

    Args:
        served: That.
        client_url: The server's address for clients, where rollouts take another one.
    """
    url = client_url or text(served, "url").split(",")[0]
    endpoint = f"{url if '://' in url else f'grpc://{url}'}/{text(served, 'name')}"
    name, version = text(served, "name"), text(served, "version")
    before = served.get("previous")
    was = f"version {before} served before" if before else "nothing served before"
    lines = [f"# {plain(name)} version {plain(version)} serves", "", plain(f"At {endpoint}; {was}."), ""]
    lines += table(("", ""), _facts(served, endpoint))
    if visits := listed(served, "replicas"):
        lines += table(("replica", "served before", "took"), [_visit(visit) for visit in visits])
    lines += [
        "## Ask it",
        "",
        "On a machine that reaches the server:",
        "",
        *block([f"sparseinst predict photo.jpg --model {endpoint} --output found"]),
    ]
    lines += ["In Python:", "", *block(_client(url, name))]
    lines += ["## Go back", "", *block(_rollback(served))]
    return document(lines)


def _facts(served: Mapping[str, Any], endpoint: str) -> list[tuple[str, str]]:
    proof, findings = part(served, "proof"), part(served, "findings")
    rows = [
        ("repository", text(served, "repository")),
        ("pictures' files go to", endpoint + FRONT if served.get("front_door") else "no front door"),
        (
            "served = exported",
            f"over {text(proof, 'images')} images with {text(proof, 'instances')} objects: scores within "
            f"{real(proof, 'score') or 0:.1e}, masks within {100 * (real(proof, 'mask') or 0):.3f} % of the pixels",
        ),
    ]
    if pace := part(findings, "pace"):
        than = f", {milliseconds(real(pace, 'incumbent_ms'))} the one before" if pace.get("incumbent_ms") else ""
        rows.append(("an image takes", f"{milliseconds(real(pace, 'candidate_ms'))}{than}"))
    else:
        rows.append(("an image takes", "not measured: nothing served before"))
    if agreement := part(findings, "agreement"):
        words = f"{text(agreement, 'same')} same, {text(agreement, 'missed')} missed, {text(agreement, 'added')} added"
        rows.append(("beside the one before", f"over {text(agreement, 'pictures')} pictures: {words}"))
    if live := part(findings, "live"):
        rows.append(("live requests", f"{text(live, 'answered')} answered, {text(live, 'failed')} failed"))
    return rows


def _visit(visit: Mapping[str, Any]) -> tuple[str, str, str]:
    before, seconds = visit.get("before"), real(visit, "seconds")
    return text(visit, "address"), str(before or "nothing"), "" if seconds is None else f"{seconds:.1f} s"


def _client(url: str, name: str) -> list[str]:
    return [
        "from sparseinst.imaging.read import read_image",
        "from sparseinst.serving.client import TritonClient",
        "",
        f"with TritonClient({url!r}, {name!r}) as client:",
        '    found = client.predict(read_image("photo.jpg"), min_score=0.3)',
        "    for label, score, mask in zip(found.classes, found.scores, found.masks):",
        '        print(found.categories[label].name, round(float(score), 2), int(mask.sum()), "pixels")',
    ]


def _rollback(served: Mapping[str, Any]) -> list[str]:
    return [f"sparseinst rollback --name {served['name']} --to {served['repository']} --url {served['url']}"]

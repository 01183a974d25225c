"""All codes as a page for people: `python -m sparseinst.data.checks.listing > docs/findings.md`."""

from __future__ import annotations

from sparseinst.data.checks.codes import CODES, SEVERITIES

_GROUPS = {
    "JSON": "The file as text and as COCO",
    "ID": "Ids",
    "CAT": "Categories",
    "IMG": "Images",
    "ANN": "Annotations",
    "SEG": "Masks",
    "DET": "Detections that are evaluated",
}


def page() -> str:
    """The table of codes in Markdown, by what they are about, the gravest first."""
    lines = [
        "# Findings",
        "",
        "What `sparseinst check` and `sparseinst ingest` find. Codes do not change. *Errors* stop ingest (exit code",
        "3), *warnings* do with `--strict`, *notes* need nothing done. This page is made by",
        "`python -m sparseinst.data.checks.listing`.",
    ]
    for prefix, title in _GROUPS.items():
        lines += ["", f"## {title}", "", "| code | severity | meaning |", "|---|---|---|"]
        codes = [(code, entry) for code, entry in CODES.items() if code.partition("-")[0] == prefix]
        codes.sort(key=lambda pair: SEVERITIES.index(pair[1].severity))
        lines += [f"| `{code}` | {entry.severity} | {entry.meaning} |" for code, entry in codes]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(page(), end="")

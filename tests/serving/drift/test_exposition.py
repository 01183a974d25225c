"""Prometheus's text format."""

from __future__ import annotations

import math

from sparseinst.serving.drift.exposition import Gauge, Series, parse, render

SCRAPE = r"""# HELP sparseinst_scores_total Objects by score
# TYPE sparseinst_scores_total counter
sparseinst_scores_total{model="street",fingerprint="0a1b",bin="7"} 12
sparseinst_scores_total{bin="8", model="a \"b\" \\ c\nd,}" , fingerprint="",} 1.5e3 1700000000000
nv_cpu_utilization 0.25
no sample at all
broken{a="b"} many

big{le="+Inf"} +Inf
"""


def test_samples_are_read_whatever_their_labels_say():
    assert dict(parse(SCRAPE)) == {
        Series("sparseinst_scores_total", (("bin", "7"), ("fingerprint", "0a1b"), ("model", "street"))): 12,
        Series("sparseinst_scores_total", (("bin", "8"), ("fingerprint", ""), ("model", 'a "b" \\ c\nd,}'))): 1500,
        Series("nv_cpu_utilization", ()): 0.25,
        Series("big", (("le", "+Inf"),)): math.inf,
    }


def test_what_is_written_can_be_read():
    labels = {"what": 'x"\\\n', "distance": "psi"}
    text = render(
        [
            Gauge("a", "An a.", [(labels, 0.1), ({}, math.nan)]),
            Gauge("empty", "-", []),
            Gauge("b", "B.", [({}, -math.inf)]),
        ]
    )
    read = list(parse(text))
    assert read[0] == (Series("a", tuple(sorted(labels.items()))), 0.1)
    assert math.isnan(read[1][1])
    assert read[2:] == [(Series("b", ()), -math.inf)]
    assert text.startswith("# HELP a An a.\n# TYPE a gauge\n")
    assert "empty" not in text

"""What serves after a rollout, as Kubeflow's page of the run shows it."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from sparseinst.serving.rollout.summary import serving_summary
from tests.pages.test_markdown import bare

SERVED: dict[str, Any] = {
    "name": "m",
    "version": 4,
    "previous": 3,
    "repository": "s3://models",
    "url": "control:8001,other:8001",
    "front_door": True,
    "proof": {"images": 5, "instances": 40, "score": 2e-7, "mask": 0.0004},
    "findings": {"pace": {"candidate_ms": 12.3, "incumbent_ms": 11.0}, "agreement": None, "live": None},
    "replicas": [{"address": "10.0.0.1:8001", "before": 3, "seconds": 2.51}, {"address": "10.0.0.2:8001"}],
}


def test_it_tells_what_serves_how_well_and_where() -> None:
    page = serving_summary(SERVED)
    assert page.startswith("# m version 4 serves\n\nAt grpc://control:8001/m; version 3 served before.\n")
    assert "over 5 images with 40 objects: scores within 2.0e-07, masks within 0.040 % of the pixels" in page
    assert "| an image takes | 12.3 ms, 11 ms the one before |" in page
    assert "| 10.0.0.1:8001 | 3 | 2.5 s |" in page
    assert "| 10.0.0.2:8001 | nothing |  |" in page


@pytest.mark.parametrize(
    ("client_url", "shown"),
    [("", "control:8001"), ("triton:8001", "triton:8001"), ("grpcs://triton:443", "grpcs://triton:443")],
)
def test_its_example_is_python_that_asks_the_address_for_clients(client_url: str, shown: str) -> None:
    page = serving_summary(SERVED, client_url)
    code = page.split("In Python:")[1].split("## Go back")[0]
    tree = ast.parse("\n".join(line[4:] for line in code.splitlines()))
    (call,) = [
        node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "TritonClient"
    ]
    assert [ast.literal_eval(argument) for argument in call.args] == [shown, "m"]
    assert "sparseinst rollback --name m --to s3://models --url control:8001,other:8001" in page


def test_addresses_of_others_become_no_markup() -> None:
    page = serving_summary({**SERVED, "repository": "<script>", "replicas": [{"address": "[a](javascript:x)"}]})
    told = bare(page.split("## Ask it")[0])
    assert "<" not in told and "](" not in told

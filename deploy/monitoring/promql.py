"""What is wrong with a question to Prometheus, as far as its text tells."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence

import promql_parser as promql

from deploy.monitoring.catalogue import Metric
from deploy.monitoring.queries import Query, filled_in

_OF_COUNTERS = ("rate", "irate", "increase")
_KEEPS_LABELS = ("topk", "bottomk")
_ADDS_A_LABEL = ("label_replace", "label_join")  # its name is their second argument


def findings(queries: Sequence[Query], exported: Mapping[str, Metric]) -> list[str]:
    """Names and labels that nobody exports, rates of what is no counter, and what is no PromQL.

    Args:
        queries: In the order in which they are asked: what one records, those after it may ask for.
        exported: The metrics that exist, by name.
    """
    found: list[str] = []
    known = dict(exported)
    for query in queries:
        try:
            tree = parse(query.text)
        except ValueError as error:
            found.append(f"{query.where}: no PromQL: {error}")
            continue
        problems = list(_problems(tree, known))
        if not problems:
            has = labels_of(tree, known) | query.labels
            problems = [f"it has no label {label}" for label in sorted(query.mentions - has)]
            if query.record:
                known[query.record] = Metric(query.record, "rules", "gauge", has)
        found += [f"{query.where}: {problem}" for problem in problems]
    return found


def parse(text: str) -> promql.Expr:
    """The tree of a question; ValueError where it is no PromQL."""
    return promql.parse(filled_in(text, namespace="n", model="m"))


def metrics_of(tree: promql.Expr) -> frozenset[str]:
    """The names that it asks for."""
    return frozenset(selector.name or "" for selector in selectors(tree))


def labels_of(tree: promql.Expr, known: Mapping[str, Metric]) -> frozenset[str]:
    """The labels that its answer may have.

    Raises:
        KeyError: It asks for a metric that is not known.
    """
    match tree:
        case promql.VectorSelector():
            return known[tree.name or ""].labels
        case promql.MatrixSelector():
            return labels_of(tree.vector_selector, known)
        case promql.AggregateExpr():
            return _of_aggregate(tree, known)
        case promql.BinaryExpr():
            return _of_binary(tree, known)
        case promql.Call():
            return _of_call(tree, known)
        case promql.ParenExpr() | promql.UnaryExpr() | promql.SubqueryExpr():
            return labels_of(tree.expr, known)
    return frozenset()


def _of_aggregate(tree: promql.AggregateExpr, known: Mapping[str, Metric]) -> frozenset[str]:
    inner = labels_of(tree.expr, known)
    if str(tree.op) in _KEEPS_LABELS:
        return inner
    if tree.modifier is None:
        return frozenset()
    named = frozenset(tree.modifier.labels)
    return inner & named if tree.modifier.type == promql.AggModifierType.By else inner - named


def _of_binary(tree: promql.BinaryExpr, known: Mapping[str, Metric]) -> frozenset[str]:
    left, right = labels_of(tree.lhs, known), labels_of(tree.rhs, known)
    if str(tree.op) == "or" or isinstance(tree.lhs, promql.NumberLiteral):
        return left | right
    if tree.modifier is None or tree.modifier.matching is None or str(tree.op) in ("and", "unless"):
        return left
    if tree.modifier.card == promql.VectorMatchCardinality.ManyToOne:
        return left | frozenset(tree.modifier.group_labels or ())
    return left & frozenset(tree.modifier.matching.labels)


def _of_call(tree: promql.Call, known: Mapping[str, Metric]) -> frozenset[str]:
    inner = frozenset(label for argument in tree.args for label in labels_of(argument, known))
    return inner | {tree.args[1].val} if tree.func.name in _ADDS_A_LABEL else inner


def _problems(tree: promql.Expr, known: Mapping[str, Metric]) -> Iterator[str]:
    """Of its metrics first; of the rest only where these are right."""
    wrong = list(_unknown(tree, known))
    if wrong:
        yield from wrong
        return
    for node in _nodes(tree):
        if isinstance(node, promql.AggregateExpr) and node.modifier:
            missing = set(node.modifier.labels) - labels_of(node.expr, known)
            yield from (f"what is grouped by {label} has no such label" for label in sorted(missing))
        elif isinstance(node, promql.BinaryExpr) and node.modifier and node.modifier.matching:
            both = labels_of(node.lhs, known) & labels_of(node.rhs, known)
            yield from (
                f"what is matched on {label} has no such label on both sides"
                for label in sorted(set(node.modifier.matching.labels) - both)
            )
        elif isinstance(node, promql.Call) and node.func.name in _OF_COUNTERS:
            for name in sorted(metrics_of(node)):
                if known[name].kind != "counter":
                    yield f"{node.func.name}() of {name}, which is no counter"


def _unknown(tree: promql.Expr, known: Mapping[str, Metric]) -> Iterator[str]:
    for selector in selectors(tree):
        metric = known.get(selector.name or "")
        if metric is None:
            close = difflib.get_close_matches(selector.name or "", known, n=1)
            yield f"nobody exports {selector.name}" + (f"; did you mean {close[0]}?" if close else "")
            continue
        asked = {matcher.name for matcher in selector.matchers.matchers}
        yield from (f"{metric.name} has no label {label}" for label in sorted(asked - metric.labels))


def selectors(tree: promql.Expr) -> list[promql.VectorSelector]:
    """Every metric that it asks for, as it asks, also those with a range such as [5m]."""
    return [node for node in _nodes(tree) if isinstance(node, promql.VectorSelector)]


def _nodes(tree: promql.Expr) -> list[promql.Expr]:
    nodes: list[promql.Expr] = []
    promql.walk(tree, nodes.append)
    return nodes

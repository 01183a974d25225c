"""What holds for every candidate: the gate never raises, and a better model never gets a worse decision."""

from hypothesis import given, settings
from hypothesis import strategies as st

from sparseinst.evaluation.gate.decide import decide
from sparseinst.evaluation.gate.policy import Policy
from tests.evaluation.gate.measured import comparison, metrics

WEIGHT = {"pass": 0, "investigate": 1, "fail": 2}
NAMES = ("schema", "AP", "dataset", "max_dets", "per_class", "slices", "speed", "passed", "worst", "tolerances")

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(10**400)
keys = st.sampled_from([*NAMES, "low", "high", "instances", "latency_ms", "p99", "by", "name"]) | st.text(max_size=3)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=5), max_leaves=12
)
damaged = st.builds(lambda changes: metrics(**changes), st.dictionaries(st.sampled_from(NAMES), anything, max_size=3))
policies = st.builds(
    Policy,
    min_ap=st.floats(0, 1),
    max_regression=st.floats(0, 1),
    within_noise=st.sampled_from(["pass", "investigate", "fail"]),
    require_gain=st.booleans(),
    max_class_regression=st.floats(0, 1),
    min_class_instances=st.integers(0, 60),
    max_slice_regression=st.floats(0, 1),
    on_lost_class=st.sampled_from(["pass", "investigate", "fail"]),
    on_other_data=st.sampled_from(["investigate", "fail", "thresholds"]),
    max_latency_ms=st.floats(0, 100),
    require_parity=st.booleans(),
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(anything | damaged, policies, st.none() | anything | damaged, st.none() | anything, st.none() | anything)
def test_whatever_the_files_hold_there_is_a_decision_with_words(candidate, policy, incumbent, compared, parity):
    verdict = decide(candidate, policy, incumbent=incumbent, comparison=compared, parity=parity)
    assert verdict.decision in WEIGHT
    assert all(reason.text for reason in verdict.reasons)
    assert verdict.deciding()


@settings(max_examples=100, deadline=None, derandomize=True)
@given(anything, policies, st.none() | anything)
def test_what_is_no_metrics_of_this_project_never_passes(candidate, policy, parity):
    assert decide(candidate, policy, parity=parity).decision != "pass"


shares = st.floats(0, 1)
model = st.tuples(shares, shares, shares, shares, st.floats(1, 200))  # AP, two classes, a slice, latency


def _metrics(of):
    ap, disc, ring, crowded, latency = of
    return metrics(
        ap,
        per_class={"disc": {"AP": disc, "instances": 50}, "ring": {"AP": ring, "instances": 25}},
        slices=[{"by": "crowding", "name": "crowded", "instances": 40, "AP": crowded}],
        speed={"latency_ms": {"p99": latency}, "device": "cpu"},
    )


def _better(one, other):
    return (*(max(pair) for pair in zip(one[:4], other[:4], strict=True)), min(one[4], other[4]))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(model, model, st.none() | model, policies, st.none() | st.tuples(st.floats(0, 0.5), st.floats(0, 0.5)))
def test_a_better_candidate_never_gets_a_worse_decision(worse, other, before, policy, spread):
    def decision(of):
        if before is None:
            return decide(_metrics(of), policy).decision
        told = None
        if spread is not None:
            difference = of[0] - before[0]
            low, high = max(difference - spread[0], -1), min(difference + spread[1], 1)
            told = comparison(of[0], before[0], low, high)
            for name, now, then in (("disc", of[1], before[1]), ("ring", of[2], before[2])):
                told["per_class"][name] |= {"candidate": now, "incumbent": then, "high": now - then + spread[1]}
            told["slices"][0] |= {"candidate": of[3], "incumbent": before[3]}
        return decide(_metrics(of), policy, incumbent=_metrics(before), comparison=told).decision

    assert WEIGHT[decision(_better(worse, other))] <= WEIGHT[decision(worse)]

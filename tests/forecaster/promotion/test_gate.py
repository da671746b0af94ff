from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecaster.promotion import evidence, gate
from forecaster.promotion.evidence import Compared, Covered, Evidence
from forecaster.promotion.gate import decide
from forecaster.promotion.thresholds import Thresholds
from tests.forecaster.promotion.evident import GOOD

USUAL = Thresholds()


def failed(found: Evidence, wanted: Thresholds = USUAL) -> list[str]:
    decision = decide(found, wanted)
    assert decision.promote is not any(not one.passed for one in decision.checks)
    return [one.name for one in decision.checks if not one.passed]


def test_a_challenger_that_shows_everything_becomes_the_champion() -> None:
    decision = decide(GOOD, USUAL)
    assert decision.promote
    assert decision.reasons == (
        "judged on 75 sessions that neither version had seen; 60 are needed",
        "its loss is 0.9800 times that of version 3 (p = 0.0003); at most 0.998 is needed, with p at most 0.05",
        "its loss is 0.9500 times that of yesterday's close; at most 1 is needed",
        "its 90% interval held 91.0% of the closes; 5.0% more or fewer are allowed",
        "nothing of the future reaches it",
        "the exported network differs from the trained one by 2.0e-06; 1e-05 is allowed",
        "its bundle takes 12.5 MiB; 256 are allowed",
        "one forecast takes 1.4 ms; 50 are allowed",
        "nobody went back from this version",
    )


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"span": replace(GOOD.span, sessions=59)}, "sessions"),  # type: ignore[type-var]
        ({"span": None}, "sessions"),
        ({"versus_champion": Compared(0.9981, 0.0001, 1e-9)}, "champion"),  # sure, and too little to matter
        ({"versus_champion": Compared(0.97, 0.05, 0.051)}, "champion"),  # much, and perhaps by chance
        ({"versus_champion": Compared(1.02, 0.005, 0.9999)}, "champion"),
        ({"versus_champion": None}, "champion"),
        ({"versus_champion": Compared(0.9, None, None)}, "champion"),
        ({"versus_champion": Compared(None, None, None)}, "champion"),
        ({"versus_naive": Compared(1.0001, 0.01, 0.5)}, "naive"),
        ({"versus_naive": None}, "naive"),
        ({"versus_naive": Compared(None, None, None)}, "naive"),
        ({"coverage": Covered(0.9, 0.84)}, "coverage"),
        ({"coverage": Covered(0.9, 0.96)}, "coverage"),
        ({"coverage": None}, "coverage"),
        ({"leaks": 1}, "leakcheck"),
        ({"leaks": None}, "leakcheck"),
        ({"parity": 1.1e-5}, "parity"),
        ({"parity": float("nan")}, "parity"),
        ({"mebibytes": 256.1}, "size"),
        ({"latency": 50.1}, "latency"),
        ({"latency": float("nan")}, "latency"),
        ({"rolled_back": True}, "not_rolled_back"),
    ],
)
def test_each_fault_alone_keeps_it_from_serving_and_is_the_reason(changes: dict[str, Any], name: str) -> None:
    found = replace(GOOD, **changes)
    assert failed(found) == [name]
    assert decide(found, USUAL).reasons == tuple(one.text for one in decide(found, USUAL).checks if one.name == name)


@pytest.mark.parametrize(
    "changes",
    [
        {"span": replace(GOOD.span, sessions=60)},  # type: ignore[type-var]
        {"versus_champion": Compared(0.998, 0.001, 0.05)},
        {"versus_naive": Compared(1.0, 0.01, 0.5)},
        {"coverage": Covered(0.9, 0.85)},
        {"coverage": Covered(0.9, 0.95)},
        {"parity": 1e-5},
        {"mebibytes": 256.0},
        {"latency": 50.0},
    ],
)
def test_a_threshold_that_is_just_met_is_met(changes: dict[str, Any]) -> None:
    assert failed(replace(GOOD, **changes)) == []


def test_without_a_champion_there_is_nothing_to_beat() -> None:
    first = replace(GOOD, champion=None, versus_champion=None)
    assert "champion" not in [one.name for one in decide(first, USUAL).checks]
    assert failed(first) == []
    assert failed(replace(first, versus_naive=Compared(1.01, 0.001, 1.0))) == ["naive"]


def test_thresholds_are_settings() -> None:
    strict = Thresholds(
        sessions=76, significance=0.0001, effect=0.03, coverage=0.005, parity=1e-6, mebibytes=12, latency=1
    )
    assert failed(GOOD, strict) == ["sessions", "champion", "coverage", "parity", "size", "latency"]
    assert failed(replace(GOOD, versus_naive=Compared(1.01, 0.01, 0.8)), Thresholds(naive_margin=0.01)) == []
    with pytest.raises(ValueError, match="sesions"):
        Thresholds.model_validate({"sesions": 100})


numbers = st.floats(0, 2) | st.none()
comparisons = st.none() | st.builds(Compared, numbers, numbers, st.floats(0, 1) | st.none())
evidences = st.builds(
    replace,
    st.just(GOOD),
    span=st.none() | st.builds(replace, st.just(GOOD.span), sessions=st.integers(0, 300)),
    champion=st.none() | st.just("3"),
    versus_champion=comparisons,
    versus_naive=comparisons,
    coverage=st.none() | st.builds(Covered, st.just(0.9), st.floats(0, 1)),
    leaks=st.none() | st.integers(0, 3),
    parity=st.floats(0, 1e-4),
    mebibytes=st.floats(0, 1000),
    latency=st.floats(0, 1000),
    rolled_back=st.booleans(),
)


@given(evidences)
def test_evidence_and_decision_are_kept_as_json(found: Evidence) -> None:
    text = json.dumps(evidence.to_dict(found), allow_nan=False)
    assert evidence.from_dict(json.loads(text)) == found
    decision = decide(found, USUAL)
    assert gate.from_dict(json.loads(json.dumps(gate.to_dict(decision)))) == decision


@given(evidences, st.floats(0, 0.5), st.integers(0, 100))
def test_better_evidence_never_costs_the_promotion(found: Evidence, better: float, sessions: int) -> None:
    def lower(one: Compared | None) -> Compared | None:
        if one is None or one.ratio is None or one.p_value is None:
            return one
        return Compared(one.ratio * (1 - better), one.error, one.p_value * (1 - better))

    if not decide(found, USUAL).promote:
        return
    span = found.span and replace(found.span, sessions=found.span.sessions + sessions)
    improved = replace(
        found,
        span=span,
        versus_champion=lower(found.versus_champion),
        versus_naive=lower(found.versus_naive),
        latency=found.latency * (1 - better),
    )
    assert decide(improved, USUAL).promote

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster.diagnostics.diagnostics import Sample, diagnose, from_dict, insufficient, to_dict
from forecaster.diagnostics.verdict import VerdictCode
from tests.forecaster.diagnostics.records import late, noisy, record, seeds, sizes, walk

# The first example that reaches a test statistic loads scipy, which no deadline should count.
unhurried = settings(deadline=None)


def test_the_sample_is_the_span_of_the_record() -> None:
    found = diagnose(noisy(1, 60), 1.0)
    assert found.sample == Sample(date(2024, 1, 1), date(2024, 2, 29), 60)
    assert type(found.sample.first) is date


@unhurried
@given(seeds, st.integers(1, 59))
def test_below_sixty_sessions_there_is_no_number(seed: int, n: int) -> None:
    found = diagnose(noisy(seed, n), 1.0)
    assert (found.errors, found.lag, found.significance, found.coverage) == (None, None, None, None)
    assert found.verdict.code is VerdictCode.INSUFFICIENT_DATA
    missing = {"status": "insufficient data", "needed": 60, "sessions": n}
    body = to_dict(found)
    assert [body[name] for name in ("errors", "lag", "significance", "coverage")] == [missing] * 4
    assert body["sample"]["sessions"] == n


@unhurried
@given(seeds, sizes)
def test_known_forecasts_get_their_verdict(seed: int, n: int) -> None:
    assert diagnose(late(seed, n, 0), 1.0).verdict.code is VerdictCode.BEATS_NAIVE
    echo = diagnose(late(seed, n, 1), 1.0)
    assert echo.verdict.code is VerdictCode.NO_BETTER_THAN_NAIVE
    assert "equals that of repeating it" in echo.verdict.text
    assert "is an echo of yesterday's price" in echo.verdict.text


def test_an_echo_with_an_error_of_its_own_is_told_so() -> None:
    # Yesterday's close and 2 % on top: always too high, and its changes are yesterday's.
    closes = walk(4, 251)
    found = diagnose(record(closes, closes[:-1] * 1.02), 1.0)
    assert found.verdict.code is VerdictCode.ECHOES_YESTERDAY


def test_the_json_has_the_keys_of_the_rest_surface() -> None:
    # ARCHITECTURE.md, "REST surface (v1)".
    body = to_dict(diagnose(noisy(1, 250), 1.0))
    assert list(body) == ["sample", "errors", "lag", "significance", "coverage", "verdict"]
    assert body["sample"] == {"first": "2024-01-01", "last": "2024-09-06", "sessions": 250}
    expected = {
        "errors": ["mae", "rmse", "mape", "bias", "mase", "skill_vs_naive", "directional_accuracy"],
        "lag": ["best_lag", "correlation", "echo", "level_lag", "correlogram", "text"],
        "significance": ["diebold_mariano", "dm_p_value", "pt_p_value"],
        "coverage": ["level", "observed"],
        "verdict": ["code", "text"],
    }
    for section, keys in expected.items():
        assert set(keys) <= set(body[section])
    assert body["lag"]["correlogram"][1] == {"lag": 1, "correlation": body["lag"]["echo"]}
    assert set(body["verdict"]) == {"code", "text"}


def leaves(value: object) -> set[type]:
    """The types of everything inside nested dictionaries and lists."""
    if type(value) is dict:
        return set().union(*(leaves(each) for each in value.values()))
    if type(value) is list:
        return set().union(*(leaves(each) for each in value))
    return {type(value)}


@unhurried
@given(seeds, st.integers(1, 120), st.integers(0, 3))
def test_json_there_and_back(seed: int, n: int, k: int) -> None:
    for found in (diagnose(late(seed, n, k), None), diagnose(noisy(seed, n), 1.0)):
        body = to_dict(found)
        assert leaves(body) <= {float, int, str, type(None)}
        assert from_dict(json.loads(json.dumps(body, allow_nan=False))) == found


def test_a_symbol_without_evidence() -> None:
    found = insufficient(0)
    assert (found.sample, found.sessions) == (None, 0)
    assert found.verdict.text == "insufficient data: 0 sessions, at least 60 are needed"
    body = to_dict(insufficient(12))
    assert body["sample"] == {"status": "insufficient data", "needed": 60, "sessions": 12}
    assert from_dict(json.loads(json.dumps(body))) == insufficient(12)


@pytest.mark.parametrize("n", [-1, 60])
def test_sufficient_data_are_not_insufficient(n: int) -> None:
    with pytest.raises(ValueError, match="expected 0 <= n < 60"):
        insufficient(n)


def test_reading_figures_does_not_load_scipy() -> None:
    # The serving process only reads; loading scipy.special would more than double its numpy start.
    code = "import sys, forecaster.diagnostics.diagnostics; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

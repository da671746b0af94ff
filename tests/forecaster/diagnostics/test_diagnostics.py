from __future__ import annotations

import json
import subprocess
import sys
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster.diagnostics.diagnostics import Sample, completed, diagnose, from_dict, insufficient, to_dict
from forecaster.diagnostics.verdict import VerdictCode
from tests.forecaster.diagnostics.records import distribution, late, noisy, record, seeds, sizes, walk

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
    assert found.bias is None
    assert found.verdict.code is VerdictCode.INSUFFICIENT_DATA
    missing = {"status": "insufficient data", "needed": 60, "sessions": n}
    body = to_dict(found)
    assert [body[name] for name in ("errors", "bias", "lag", "significance", "coverage")] == [missing] * 5
    assert body["sample"]["sessions"] == n


@unhurried
@given(seeds, sizes)
def test_known_forecasts_get_their_verdict(seed: int, n: int) -> None:
    assert diagnose(late(seed, n, 0), 1.0).verdict.code is VerdictCode.BEATS_NAIVE
    echo = diagnose(late(seed, n, 1, width=100.0), 1.0).verdict
    # Where the close happened to run one way, an echo is biased too.
    assert set(echo.codes) - {VerdictCode.BIASED} == {VerdictCode.NO_BETTER_THAN_NAIVE, VerdictCode.ECHOES_YESTERDAY}
    assert "equals that of repeating it" in echo.text
    assert "is an echo of yesterday's price" in echo.text


@unhurried
@given(seeds, sizes, st.integers(2, 10))
def test_a_forecast_some_days_late_is_worse_and_says_how_late(seed: int, n: int, k: int) -> None:
    found = diagnose(late(seed, n, k), 1.0)
    assert found.lag is not None
    assert found.lag.best_lag == k
    assert found.errors is not None
    assert found.errors.skill_vs_naive is not None
    assert found.errors.skill_vs_naive < 0.0


def test_an_echo_with_an_error_of_its_own_is_told_so() -> None:
    # Yesterday's close and 2 % on top: always too high, and its changes are yesterday's.
    closes = walk(4, 251)
    found = diagnose(record(closes, closes[:-1] * 1.02), 1.0)
    assert found.verdict.code is VerdictCode.ECHOES_YESTERDAY


def test_the_json_has_the_keys_of_the_rest_surface() -> None:
    # ARCHITECTURE.md, "REST surface (v1)".
    body = to_dict(diagnose(noisy(1, 250), 1.0))
    assert list(body) == ["sample", "errors", "bias", "lag", "significance", "coverage", "verdict"]
    assert body["sample"] == {"first": "2024-01-01", "last": "2024-09-06", "sessions": 250}
    expected = {
        "errors": ["mae", "rmse", "mape", "bias", "mase", "skill_vs_naive", "directional_accuracy"],
        "bias": ["mean", "p_value", "intercept", "slope", "mz_p_value"],
        "lag": ["best_lag", "correlation", "echo", "level_lag", "correlogram", "text"],
        "significance": ["diebold_mariano", "dm_p_value", "pt_p_value"],
        "coverage": ["level", "observed", "levels"],
        "verdict": ["code", "text", "text_zh", "codes"],
    }
    for section, keys in expected.items():
        assert set(keys) <= set(body[section])
    assert body["lag"]["correlogram"][1] == {"lag": 1, "correlation": body["lag"]["echo"]}
    assert list(body["coverage"]["levels"][0]) == ["level", "observed", "mean_width", "kupiec_p_value"]
    assert body["verdict"]["codes"][0] == body["verdict"]["code"]


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
    for found in (diagnose(late(seed, n, k), None), diagnose(distribution(seed, n), 1.0, 2.0)):
        body = to_dict(found)
        assert leaves(body) <= {float, int, str, type(None)}
        assert from_dict(json.loads(json.dumps(body, allow_nan=False))) == found


def test_figures_written_before_the_new_ones_are_read() -> None:
    now = diagnose(noisy(1, 250), 1.0)
    body = to_dict(now)
    del body["bias"]
    for section, names in {
        "errors": ["rmsse", "r2_out_of_sample", "pinball", "pinball_skill"],
        "significance": ["dm_pinball", "dm_pinball_p_value"],
        "coverage": ["independence_p_value", "christoffersen_p_value", "levels"],
        "verdict": ["text_zh", "codes"],
    }.items():
        for name in names:
            del body[section][name]
    found = from_dict(json.loads(json.dumps(body)))
    assert found.errors is not None
    assert now.errors is not None
    assert (found.errors.mae, found.errors.rmsse, found.errors.pinball) == (now.errors.mae, None, None)
    assert (found.bias, found.lag, found.sample) == (None, now.lag, now.sample)
    assert found.coverage is not None
    assert (found.coverage.christoffersen_p_value, found.coverage.levels) == (None, ())
    assert (found.verdict.text, found.verdict.text_zh, found.verdict.codes) == (now.verdict.text, "", ())

    # Completed they have every key; those that were never written have nothing to say.
    whole = completed(body)
    assert completed(to_dict(now)) == to_dict(now)
    assert whole["bias"] == {"status": "insufficient data", "needed": 60, "sessions": 250}
    assert whole["errors"] == {**to_dict(now)["errors"], "rmsse": None, "r2_out_of_sample": None} | dict.fromkeys(
        ("pinball", "pinball_skill")
    )
    assert whole["lag"] == to_dict(now)["lag"]


def test_figures_that_were_written_now_are_taken_as_they_are() -> None:
    for found in (diagnose(noisy(1, 250), 1.0), diagnose(noisy(1, 20), 1.0), insufficient(3)):
        body = to_dict(found)
        assert completed(body) is body


def test_a_yardstick_reaches_the_figure_that_it_is_for() -> None:
    found = diagnose(noisy(1, 250), 2.0, 9.0).errors
    assert found is not None
    assert (found.mase, found.rmsse) == pytest.approx((found.mae / 2, found.rmse / 3), rel=1e-12)
    with pytest.raises(ValueError, match="in_sample_mse"):
        diagnose(noisy(1, 59), 2.0, -9.0)


def test_old_evidence_makes_the_verdict_stale() -> None:
    assert diagnose(noisy(1, 250), 1.0, as_of_gap=126).verdict.code is VerdictCode.STALE
    assert diagnose(noisy(1, 250), 1.0, as_of_gap=125).verdict.code is not VerdictCode.STALE


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

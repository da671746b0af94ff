# ruff: noqa: RUF001
"""Every figure again from the served series, by other formulas or other libraries than the service's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from scipy import stats
from statsmodels.regression.linear_model import OLS

from forecaster.diagnostics.diagnostics import from_dict
from forecaster.diagnostics.verdict import VerdictCode, verdict
from service.examples import DIAGNOSTICS
from service.schemas.diagnostics import DiagnosticsAnswer
from tests.service.asking import ask
from tests.service.test_forecasts import SYMBOLS
from tests.service.tiny_model import TEST_SESSIONS

CLOSE = {"rel": 1e-9, "abs": 1e-9}


@pytest.fixture(params=SYMBOLS)
def answer(app: FastAPI, request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = ask(app, f"/v1/diagnostics/{request.param}").json()
    return found


@pytest.fixture
def series(answer: dict[str, Any]) -> dict[str, np.ndarray[Any, Any]]:
    return {name: np.array(values) for name, values in answer["series"].items() if isinstance(values, list)}


def losses(answer: dict[str, Any], name: str) -> np.ndarray[Any, Any]:
    """Pinball loss of each session, its mean over levels, from the served quantiles."""
    actual = np.array(answer["series"]["actual"])
    by_level = []
    for level, quantile in answer["series"][name].items():
        above = np.maximum(actual - np.array(quantile), 0.0)
        below = np.maximum(np.array(quantile) - actual, 0.0)
        by_level.append(float(level) * above + (1.0 - float(level)) * below)
    return np.mean(by_level, axis=0)


def inside(answer: dict[str, Any], lower: str, upper: str) -> np.ndarray[Any, Any]:
    """For each session whether the close was between two of the served quantiles."""
    low, actual, high = (
        np.array(values)
        for values in (
            answer["series"]["quantiles"][lower],
            answer["series"]["actual"],
            answer["series"]["quantiles"][upper],
        )
    )
    return (low <= actual) & (actual <= high)


def test_series_are_equally_long_and_in_order(answer: dict[str, Any]) -> None:
    series = dict(answer["series"])
    levels = ["0.05", "0.1", "0.25", "0.4", "0.5", "0.6", "0.75", "0.9", "0.95"]
    for name in ("quantiles", "naive_quantiles"):
        by_level = series.pop(name)
        assert list(by_level) == levels
        series |= {f"{name} {level}": values for level, values in by_level.items()}
    lengths = {name: len(values) for name, values in series.items()}
    assert set(lengths) >= {"session", "actual", "forecast", "lower", "upper", "previous_close"}
    assert set(lengths.values()) == {TEST_SESSIONS}
    assert answer["series"]["session"] == sorted(set(answer["series"]["session"]))
    assert answer["sample"] == {
        "first": answer["series"]["session"][0],
        "last": answer["series"]["session"][-1],
        "sessions": TEST_SESSIONS,
    }
    DiagnosticsAnswer.model_validate(answer)


def test_previous_close_is_the_actual_of_the_session_before(series: dict[str, Any]) -> None:
    np.testing.assert_allclose(series["previous_close"][1:], series["actual"][:-1], rtol=1e-12)


def test_the_single_series_are_quantiles(answer: dict[str, Any]) -> None:
    series = answer["series"]
    for name, level in (("lower", "0.05"), ("forecast", "0.5"), ("upper", "0.95")):
        assert series[name] == series["quantiles"][level]
    assert series["naive_quantiles"]["0.5"] == pytest.approx(series["previous_close"], rel=1e-12)
    for quantiles in (series["quantiles"], series["naive_quantiles"]):
        assert (np.diff(np.array(list(quantiles.values())), axis=0) >= 0.0).all()


def test_errors(answer: dict[str, Any], series: dict[str, Any]) -> None:
    miss = series["forecast"] - series["actual"]
    naive = series["previous_close"] - series["actual"]
    found = answer["errors"]
    assert found["mae"] == pytest.approx(np.mean(np.abs(miss)), **CLOSE)
    assert found["rmse"] == pytest.approx(np.linalg.norm(miss) / np.sqrt(len(miss)), **CLOSE)
    assert found["mape"] == pytest.approx(np.mean(np.abs(miss / series["actual"])), **CLOSE)
    assert found["bias"] == pytest.approx(np.mean(miss), **CLOSE)
    assert found["mase"] == pytest.approx(np.mean(np.abs(miss)) / answer["in_sample_mae"], **CLOSE)
    assert found["skill_vs_naive"] == pytest.approx(1 - np.abs(miss).sum() / np.abs(naive).sum(), **CLOSE)
    assert found["theil_u2"] == pytest.approx(np.linalg.norm(miss) / np.linalg.norm(naive), **CLOSE)
    predicted, actual = series["forecast"] - series["previous_close"], series["actual"] - series["previous_close"]
    right = ((predicted > 0) & (actual > 0)) | ((predicted < 0) & (actual < 0))
    assert found["directional_accuracy"] == pytest.approx(right.mean(), **CLOSE)
    assert found["rmsse"] == pytest.approx(np.sqrt(np.mean(miss**2) / answer["in_sample_mse"]), **CLOSE)
    explained = 1 - ((miss / series["previous_close"]) ** 2).sum() / ((naive / series["previous_close"]) ** 2).sum()
    assert found["r2_out_of_sample"] == pytest.approx(explained, **CLOSE)
    loss, naive_loss = losses(answer, "quantiles").mean(), losses(answer, "naive_quantiles").mean()
    assert found["pinball"] == pytest.approx(loss, **CLOSE)
    assert found["pinball_skill"] == pytest.approx(1 - loss / naive_loss, **CLOSE)


def test_bias(answer: dict[str, Any], series: dict[str, Any]) -> None:
    r, p = (series[name] / series["previous_close"] - 1.0 for name in ("actual", "forecast"))
    hac = {"maxlags": int(4 * (TEST_SESSIONS / 100) ** (2 / 9)), "use_correction": True}  # Newey & West (1994)
    found = answer["bias"]
    shift = OLS(p - r, np.ones(TEST_SESSIONS)).fit(cov_type="HAC", cov_kwds=hac, use_t=True)
    assert found["mean"] == pytest.approx(shift.params[0], **CLOSE)
    assert found["statistic"] == pytest.approx(shift.tvalues[0], **CLOSE)
    assert found["p_value"] == pytest.approx(shift.pvalues[0], **CLOSE)
    line = OLS(r, np.column_stack([np.ones(TEST_SESSIONS), p])).fit(cov_type="HAC", cov_kwds=hac)
    joint = line.f_test((np.eye(2), [0.0, 1.0]))
    assert [found["intercept"], found["slope"]] == pytest.approx(line.params.tolist(), rel=1e-6)
    assert found["mincer_zarnowitz"] == pytest.approx(float(joint.fvalue), rel=1e-6)
    assert found["mz_p_value"] == pytest.approx(float(joint.pvalue), rel=1e-6)


def test_lag(answer: dict[str, Any], series: dict[str, Any]) -> None:
    moves, closes = np.diff(series["forecast"]), np.diff(series["actual"])
    expected = [stats.pearsonr(moves[k:], closes[: len(closes) - k]).statistic for k in range(11)]
    found = answer["lag"]
    assert [point["lag"] for point in found["correlogram"]] == list(range(11))
    assert [point["correlation"] for point in found["correlogram"]] == pytest.approx(expected, **CLOSE)
    assert found["best_lag"] == int(np.argmax(expected))
    assert found["correlation"] == pytest.approx(max(expected), **CLOSE)
    assert found["echo"] == pytest.approx(expected[1], **CLOSE)
    apart = [np.sqrt(np.mean((series["forecast"][k:] - series["actual"][: TEST_SESSIONS - k]) ** 2)) for k in range(11)]
    assert found["level_lag"] == int(np.argmin(apart))


def test_significance(answer: dict[str, Any], series: dict[str, Any]) -> None:
    found, n = answer["significance"], TEST_SESSIONS
    for power, statistic, p_value in ((1, "diebold_mariano", "dm_p_value"), (2, "dm_squared", "dm_squared_p_value")):
        model = np.abs(series["forecast"] - series["actual"]) ** power
        naive = np.abs(series["previous_close"] - series["actual"]) ** power
        # At a horizon of one session the corrected test is Student's t on the loss differences.
        expected = stats.ttest_1samp(model - naive, 0.0)
        assert found[statistic] == pytest.approx(expected.statistic, **CLOSE)
        assert found[p_value] == pytest.approx(expected.pvalue, **CLOSE)

    expected = stats.ttest_1samp(losses(answer, "quantiles") - losses(answer, "naive_quantiles"), 0.0)
    assert found["dm_pinball"] == pytest.approx(expected.statistic, **CLOSE)
    assert found["dm_pinball_p_value"] == pytest.approx(expected.pvalue, **CLOSE)

    y, x = series["actual"] > series["previous_close"], series["forecast"] > series["previous_close"]
    if x.all() or not x.any():  # a model that always says up: the test is not defined
        assert found["pt_statistic"] is None
        assert found["pt_p_value"] is None
        return
    py, px = y.mean(), x.mean()
    p = ((series["forecast"] - series["previous_close"]) * (series["actual"] - series["previous_close"]) > 0).mean()
    star = py * px + (1 - py) * (1 - px)
    variance_star = (
        (2 * py - 1) ** 2 * px * (1 - px) / n
        + (2 * px - 1) ** 2 * py * (1 - py) / n
        + 4 * py * px * (1 - py) * (1 - px) / n**2
    )
    expected_pt = (p - star) / np.sqrt(star * (1 - star) / n - variance_star)
    assert found["pt_statistic"] == pytest.approx(expected_pt, **CLOSE)
    assert found["pt_p_value"] == pytest.approx(stats.norm.sf(expected_pt), **CLOSE)


def test_coverage(answer: dict[str, Any]) -> None:
    found, n = answer["coverage"], TEST_SESSIONS
    levels = {level["level"]: level for level in found["levels"]}
    for level, lower, upper in ((0.2, "0.4", "0.6"), (0.5, "0.25", "0.75"), (0.8, "0.1", "0.9"), (0.9, "0.05", "0.95")):
        kept, width = inside(answer, lower, upper), answer["series"]["quantiles"]
        hits, one = int(kept.sum()), levels.pop(level)
        assert one["observed"] == pytest.approx(hits / n, **CLOSE)
        assert one["mean_width"] == pytest.approx(np.mean(np.subtract(width[upper], width[lower])), **CLOSE)
        ratio = 2 * (stats.binom.logpmf(hits, n, hits / n) - stats.binom.logpmf(hits, n, level))
        assert one["kupiec_p_value"] == pytest.approx(stats.chi2.sf(ratio, 1), rel=1e-9, abs=1e-6)
    assert levels == {}
    assert {name: found[name] for name in one} == one

    # Christoffersen (1998): after a miss and after a hit, the chance of a miss may differ.
    after, before = ~kept[1:], ~kept[:-1]
    if not before.any() or not after.any():
        assert found["independence_p_value"] is None
        return
    free = sum(stats.bernoulli.logpmf(after[state], after[state].mean()).sum() for state in (before, ~before))
    same = stats.bernoulli.logpmf(after, after.mean()).sum()
    assert found["independence_p_value"] == pytest.approx(stats.chi2.sf(2 * (free - same), 1), rel=1e-9, abs=1e-6)
    both = stats.chi2.sf(2 * (free - same) + ratio, 2)
    assert found["christoffersen_p_value"] == pytest.approx(both, rel=1e-9, abs=1e-6)


def test_forecast_and_diagnostics_tell_the_same(app: FastAPI, answer: dict[str, Any]) -> None:
    short = ask(app, f"/v1/forecasts/{answer['symbol']}").json()
    for name in ("sample", "errors", "bias", "significance", "coverage"):
        assert short["diagnostics"][name] == answer[name]
    assert short["verdict"] == answer["verdict"]
    assert short["model"] == answer["model"]


def test_every_verdict_has_both_languages_and_its_codes(answer: dict[str, Any]) -> None:
    found = answer["verdict"]
    assert found["codes"][0] == found["code"]
    assert found["text"].startswith(f"Over {TEST_SESSIONS} sessions this model ")
    assert found["text_zh"].startswith(f"在 {TEST_SESSIONS} 个交易日中，该模型")


def test_the_documented_example_has_the_documented_shape() -> None:
    DiagnosticsAnswer.model_validate(DIAGNOSTICS)


def test_the_documented_verdict_follows_from_the_documented_figures() -> None:
    found = from_dict(DIAGNOSTICS)
    assert found.sample
    assert found.errors
    assert found.bias
    assert found.lag
    assert found.significance
    assert found.coverage
    made = verdict(
        found.sample.sessions, found.errors, found.bias, found.lag, found.significance, found.coverage, as_of_gap=0
    )
    assert made == found.verdict
    assert made.codes == (VerdictCode.NO_BETTER_THAN_NAIVE, VerdictCode.ECHOES_YESTERDAY)

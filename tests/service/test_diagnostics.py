"""Every figure again from the served series, by other formulas or other libraries than the service's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from scipy import stats

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
    return {name: np.array(values) for name, values in answer["series"].items() if name != "session"}


def test_series_are_equally_long_and_in_order(answer: dict[str, Any]) -> None:
    lengths = {name: len(values) for name, values in answer["series"].items()}
    assert set(lengths) == {"session", "actual", "forecast", "lower", "upper", "previous_close"}
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


def test_coverage(answer: dict[str, Any], series: dict[str, Any]) -> None:
    inside = (series["lower"] <= series["actual"]) & (series["actual"] <= series["upper"])
    found, hits, n = answer["coverage"], int(inside.sum()), TEST_SESSIONS
    assert found["level"] == 0.9
    assert found["observed"] == pytest.approx(hits / n, **CLOSE)
    assert found["mean_width"] == pytest.approx(np.mean(series["upper"] - series["lower"]), **CLOSE)
    ratio = 2 * (stats.binom.logpmf(hits, n, hits / n) - stats.binom.logpmf(hits, n, 0.9))
    assert found["kupiec_p_value"] == pytest.approx(stats.chi2.sf(ratio, 1), rel=1e-9, abs=1e-6)


def test_forecast_and_diagnostics_tell_the_same(app: FastAPI, answer: dict[str, Any]) -> None:
    short = ask(app, f"/v1/forecasts/{answer['symbol']}").json()
    for name in ("sample", "errors", "significance", "coverage"):
        assert short["diagnostics"][name] == answer[name]
    assert short["verdict"] == answer["verdict"]
    assert short["model"] == answer["model"]


def test_the_documented_example_has_the_documented_shape() -> None:
    DiagnosticsAnswer.model_validate(DIAGNOSTICS)

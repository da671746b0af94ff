# ruff: noqa: RUF001
"""Answers filled in, for the documentation. The figures are invented; their shape is tested."""

from __future__ import annotations

from typing import Any, Final

_SAMPLE: Final = {"first": "2025-11-03", "last": "2026-11-20", "sessions": 250}
_ERRORS: Final = {
    "mae": 21.4,
    "rmse": 29.8,
    "mape": 0.0126,
    "bias": -0.4,
    "mase": 0.998,
    "rmsse": 0.989,
    "skill_vs_naive": 0.002,
    "theil_u2": 0.999,
    "r2_out_of_sample": 0.002,
    "directional_accuracy": 0.516,
    "pinball": 6.87,
    "pinball_skill": 0.013,
}
_BIAS: Final = {
    "mean": -0.00024,
    "statistic": -0.21,
    "p_value": 0.83,
    "intercept": 0.0003,
    "slope": 0.71,
    "mincer_zarnowitz": 0.34,
    "mz_p_value": 0.71,
}
_LAG: Final = {
    "best_lag": 1,
    "correlation": 0.97,
    "echo": 0.97,
    "level_lag": 1,
    "text": ("An echo of yesterday: the forecast's changes follow the close's by 1 session (correlation 0.97)."),
}
_SIGNIFICANCE: Final = {
    "diebold_mariano": -0.41,
    "dm_p_value": 0.68,
    "dm_squared": -0.35,
    "dm_squared_p_value": 0.73,
    "dm_pinball": -1.12,
    "dm_pinball_p_value": 0.26,
    "pt_statistic": 0.5,
    "pt_p_value": 0.31,
}
_KEPT: Final = {"level": 0.9, "observed": 0.896, "mean_width": 89.8, "kupiec_p_value": 0.83}
_COVERAGE: Final = {**_KEPT, "independence_p_value": 0.44, "christoffersen_p_value": 0.72, "levels": [_KEPT]}
_VERDICT: Final = {
    "code": "no_better_than_naive",
    "text": (
        "Over 250 sessions this model did not beat yesterday's close (p = 0.68). "
        "Its forecast is an echo of yesterday's price (lag 1, correlation 0.97)."
    ),
    "text_zh": (
        "在 250 个交易日中，该模型没有优于昨收（p = 0.68）。其预测是昨收的翻版（滞后 1 个交易日，相关系数 0.97）。"
    ),
    "codes": ["no_better_than_naive", "echoes_yesterday"],
}
_MODEL: Final = {"name": "next-close", "version": "3", "trained_through": "2025-10-31"}

FORECAST: Final[dict[str, Any]] = {
    "symbol": "600519.SH",
    "as_of": "2026-11-20",
    "target_session": "2026-11-23",
    "last_close": 1700.0,
    "forecast": {
        "close": 1702.3,
        "change": 0.00135,
        "probability_up": 0.53,
        "quantiles": {"0.05": 1658.1, "0.5": 1702.3, "0.95": 1747.9},
        "interval": {"level": 0.9, "lower": 1658.1, "upper": 1747.9},
    },
    "path": [],
    "baseline": {"name": "last_close", "close": 1700.0},
    "diagnostics": {
        "sample": _SAMPLE,
        "errors": _ERRORS,
        "bias": _BIAS,
        "lag": _LAG,
        "significance": _SIGNIFICANCE,
        "coverage": _COVERAGE,
    },
    "verdict": _VERDICT,
    "model": _MODEL,
    "stale": False,
    "stale_reason": None,
}

# Cut to two of the 250 sessions and two of the eleven lags.
DIAGNOSTICS: Final[dict[str, Any]] = {
    "symbol": "600519.SH",
    "sample": _SAMPLE,
    "errors": _ERRORS,
    "bias": _BIAS,
    "lag": _LAG | {"correlogram": [{"lag": 0, "correlation": 0.04}, {"lag": 1, "correlation": 0.97}]},
    "significance": _SIGNIFICANCE,
    "coverage": _COVERAGE,
    "verdict": _VERDICT,
    "in_sample_mae": 21.44,
    "in_sample_mse": 908.4,
    "series": {
        "session": ["2026-11-19", "2026-11-20"],
        "actual": [1688.0, 1700.0],
        "forecast": [1695.5, 1690.1],
        "lower": [1650.2, 1645.9],
        "upper": [1740.8, 1735.0],
        "previous_close": [1693.0, 1688.0],
        "quantiles": {"0.05": [1650.2, 1645.9], "0.5": [1695.5, 1690.1], "0.95": [1740.8, 1735.0]},
        "naive_quantiles": {"0.05": [1645.1, 1640.2], "0.5": [1693.0, 1688.0], "0.95": [1742.0, 1736.9]},
    },
    "model": _MODEL,
    "live": None,
}

SYMBOLS: Final[dict[str, Any]] = {
    "data_version": 41,
    "symbols": [
        {
            "symbol": "600519.SH",
            "exchange": "XSHG",
            "first": "2001-08-27",
            "last": "2026-11-20",
            "sessions": 6100,
            "forecast": True,
            "reason": None,
            "as_of": "2026-11-20",
            "stale": False,
            "stale_reason": None,
        }
    ],
}

PROBLEM: Final[dict[str, Any]] = {
    "type": "urn:stock-forecaster:problem:unknown-symbol",
    "title": "Unknown symbol",
    "status": 404,
    "detail": (
        "unknown symbol TSLA: the store holds 5 symbols (AAPL, FB, GOOG, IBM, MSFT); "
        "fetch it first: forecaster fetch TSLA"
    ),
    "instance": "/v1/forecasts/TSLA",
    "symbol": "TSLA",
}

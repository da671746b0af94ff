from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from forecaster.diagnostics.record import BadRecord, ForecastRecord


def fields() -> dict[str, Any]:
    return {
        "session": np.array(["2024-01-02", "2024-01-03", "2024-01-05"], "datetime64[D]"),
        "actual": np.array([10.0, 11.0, 12.0]),
        "previous_close": np.array([9.0, 10.0, 11.0]),
        "quantiles": np.array([[-1.0, 10.0, 11.0], [9.0, 10.5, 12.0], [11.0, 12.5, 12.5]]),
        "levels": (0.05, 0.5, 0.95),
    }


def test_a_good_record_is_accepted() -> None:
    it = ForecastRecord(**fields())
    assert (it.n, it.level, it.naive_quantiles) == (3, 0.9, None)
    assert it.forecast.tolist() == [10.0, 10.5, 12.5]
    assert (it.lower.tolist(), it.upper.tolist()) == ([-1.0, 9.0, 11.0], [11.0, 12.0, 12.5])


def test_an_interval_makes_three_quantiles() -> None:
    given = fields()
    lower, forecast, upper = given.pop("quantiles").T
    del given["levels"]
    it = ForecastRecord.of_interval(**given, forecast=forecast, lower=lower, upper=upper, level=0.8)
    assert (it.levels, it.level) == ((0.1, 0.5, 0.9), 0.8)
    assert it.quantiles.tolist() == fields()["quantiles"].tolist()


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("session", np.array([], "datetime64[D]"), r"n >= 1, received datetime64\[D\] of shape \(0,\)"),
        ("session", np.array([1, 2, 3]), "expected datetime64"),
        ("session", np.array(["2024-01-02", "2024-01-03", "2024-01-04"], "datetime64[ns]"), "datetime64.ns."),
        ("session", np.array(["2024-01-02", "NaT", "2024-01-04"], "datetime64[D]"), "NaT at position 1"),
        (
            "session",
            np.array(["2024-01-02", "2024-01-04", "2024-01-04"], "datetime64[D]"),
            "2024-01-04 after 2024-01-04",
        ),
        ("actual", np.array([10.0, 0.0, 12.0]), "above zero, received 0.0 at position 1"),
        ("previous_close", np.array([-9.0, 10.0, 11.0]), "received -9.0 at position 0"),
        ("actual", np.array([10, 11, 12]), "expected float64"),
        ("quantiles", np.ones((3, 2)), r"shape \(3, 3\), received float64 of shape \(3, 2\)"),
        ("quantiles", np.array([[1.0, 2.0, 3.0]] * 2 + [[1.0, np.nan, 3.0]]), "received nan at position 2"),
        (
            "quantiles",
            np.array([[1.0, 2.0, 3.0], [1.0, 2.5, 2.0], [1.0, 2.0, 3.0]]),
            "received 2.0 above a lower quantile of 2.5 at position 1",
        ),
        ("naive_quantiles", np.full((3, 3), np.inf), "received inf at position 0"),
        ("levels", (0.05, 0.4, 0.95), r"0.5 among them and others below and above it, received \(0.05, 0.4, 0.95\)"),
        ("levels", (0.5, 0.7, 0.95), "below and above"),
        ("levels", (0.0, 0.5, 0.95), r"in \(0, 1\)"),
        ("levels", (0.5, 0.05, 0.95), "ascending"),
        ("levels", (float("nan"), 0.5, 0.95), "received"),
    ],
)
def test_a_bad_field_is_named_with_what_came(field: str, value: object, message: str) -> None:
    with pytest.raises(BadRecord, match=message) as caught:
        ForecastRecord(**(fields() | {field: value}))
    assert caught.value.field == field
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("forecast", np.array([10.0, 11.0, np.nan]), "received nan at position 2"),
        ("forecast", np.array([10.0, 11.0]), r"shape \(3,\), received float64 of shape \(2,\)"),
        ("lower", np.array([-np.inf, 9.0, 11.0]), "received -inf at position 0"),
        ("level", 1.0, r"a share in \(0, 1\), received 1.0"),
        ("level", float("nan"), "received nan"),
    ],
)
def test_a_bad_interval_is_named_too(field: str, value: object, message: str) -> None:
    given = fields()
    lower, forecast, upper = given.pop("quantiles").T
    del given["levels"]
    given |= {"forecast": forecast, "lower": lower, "upper": upper, "level": 0.9}
    with pytest.raises(BadRecord, match=message) as caught:
        ForecastRecord.of_interval(**(given | {field: value}))
    assert caught.value.field == field


def test_a_symbol_that_is_known_is_told() -> None:
    assert str(BadRecord("actual", "a price", "none", "600519.SH")) == (
        "forecast record of 600519.SH, actual: expected a price, received none"
    )

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from forecaster.diagnostics.record import BadRecord, ForecastRecord


def fields() -> dict[str, Any]:
    return {
        "session": np.array(["2024-01-02", "2024-01-03", "2024-01-05"], "datetime64[D]"),
        "actual": np.array([10.0, 11.0, 12.0]),
        "forecast": np.array([10.0, 10.5, 12.5]),
        "lower": np.array([-1.0, 9.0, 11.0]),
        "upper": np.array([11.0, 12.0, 13.0]),
        "previous_close": np.array([9.0, 10.0, 11.0]),
        "level": 0.9,
    }


def test_a_good_record_is_accepted() -> None:
    assert ForecastRecord(**fields()).n == 3


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
        ("forecast", np.array([10.0, 11.0, np.nan]), "received nan at position 2"),
        ("previous_close", np.array([-9.0, 10.0, 11.0]), "received -9.0 at position 0"),
        ("forecast", np.array([10.0, 11.0]), r"shape \(3,\), received float64 of shape \(2,\)"),
        ("actual", np.array([10, 11, 12]), "expected float64"),
        ("lower", np.array([-np.inf, 9.0, 11.0]), "received -inf at position 0"),
        ("lower", np.array([-1.0, 12.5, 11.0]), r"at most upper \(12.0\), received 12.5 at position 1"),
        ("level", 1.0, r"a share in \(0, 1\), received 1.0"),
        ("level", float("nan"), "received nan"),
    ],
)
def test_a_bad_field_is_named_with_what_came(field: str, value: object, message: str) -> None:
    with pytest.raises(BadRecord, match=message) as caught:
        ForecastRecord(**(fields() | {field: value}))
    assert caught.value.field == field
    assert isinstance(caught.value, ValueError)

"""What a loop over random prices seldom meets: sessions without a move, limits of known shares, one bar by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from data.adjust import adjusted
from data.features import FEATURES, features
from data.history import History
from data.indicators import LEAST_VOLATILITY, at_limit, close_position, session_variance, volatility
from tests.data.tables import checked, closes, limited, row, table, trusted


def history(rows: pd.DataFrame) -> History:
    return History(adjusted(checked(rows)))


def flat(sessions: int) -> pd.DataFrame:
    """A share that does not move at all."""
    return closes([10.0] * sessions).assign(open=10.0, high=10.0, low=10.0)


def test_a_sessions_variance_by_hand() -> None:
    past = history(
        table(
            row(session="2024-01-02", close=10.0, open=10.0),
            row(session="2024-01-03", open=10.5, high=12.0, low=10.0, close=11.0),
            # A close at the high: what was traded counts for less than nothing, and so for nothing.
            row(session="2024-01-04", open=10.0, high=11.0, low=10.0, close=11.0),
            row(session="2024-01-05", open=11.0, high=12.0, low=11.0, close=12.0),
        )
    )
    found = session_variance(past)[:, 0]
    assert math.isnan(found[0])
    # ln(10.5/10)^2 + ln(12/10)^2 / 2 - 0.386294 ln(11/10.5)^2
    assert found[1] == pytest.approx(0.00238048 + 0.01662057 - 0.386294 * 0.00216414, rel=1e-4)
    # ln(10/11)^2 + ln(1.1)^2 (1/2 - 0.386294), and 0 overnight + ln(12/11)^2 (1/2 - 0.386294)
    assert found[2] == pytest.approx(math.log(1.1) ** 2 * 1.113706, rel=1e-5)
    assert found[3] == pytest.approx(math.log(12 / 11) ** 2 * 0.113706, rel=1e-5)


def test_the_volatility_of_known_moves() -> None:
    # Sessions without a range, 2 % overnight each: the volatility is ln 1.02, whatever the weights.
    rows = closes([100 * 1.02**age for age in range(80)])
    for name in ("open", "high", "low"):
        rows[name] = rows["close"]
    found = volatility(history(rows))[:, 0]
    assert np.isnan(found[:10]).all()
    np.testing.assert_allclose(found[10:], math.log(1.02))
    # The newest of 64 sessions at 4 %: its weight is that of 63 others with a half-life of 10.
    rows.loc[79, ["open", "high", "low", "close"]] *= 1.04 / 1.02
    weights = 0.5 ** (np.arange(64) / 10)
    mean = np.average(np.where(np.arange(64) == 0, math.log(1.04), math.log(1.02)) ** 2, weights=weights)
    assert volatility(history(rows))[-1, 0] == pytest.approx(math.sqrt(mean))


def test_a_share_that_stands_still_has_the_least_volatility_and_finite_features() -> None:
    past = history(flat(60))
    assert LEAST_VOLATILITY == 1e-4
    assert volatility(past)[10:, 0].tolist() == [1e-4] * 50
    found = features(adjusted(checked(flat(60))), list(FEATURES))[20:]
    assert np.isfinite(found).all()
    by_name = dict(zip(FEATURES, found[-1], strict=True))
    for name in ("move", "week", "month", "drawdown", "close_position", "session_range", "month_size", "excess_week"):
        assert by_name[name] == pytest.approx(0, abs=1e-12), name
    # 2 (ln 0.0001 + 4) is -10.4, and cut.
    assert by_name["volatility_level"] == -5


def test_the_close_within_the_session() -> None:
    past = history(
        table(
            row(session="2024-01-02", high=12.0, low=8.0, open=9.0, close=8.0),
            row(session="2024-01-03", high=12.0, low=8.0, open=9.0, close=12.0),
            row(session="2024-01-04", high=12.0, low=8.0, open=9.0, close=9.0),
            row(session="2024-01-05", high=12.0, low=12.0, open=12.0, close=12.0),
        )
    )
    assert close_position(past)[:, 0].tolist() == [-0.5, 0.5, -0.25, 0.0]


@pytest.mark.parametrize(
    ("symbol", "first", "traded", "factors", "expected"),
    [
        # Main board, 10 %: 10.03 x 1.1 = 11.033, so 11.03 is the highest; then 12.13, and 10.92 the lowest.
        ("600000.SH", "2024-01-01", [10.03, 11.03, 12.12, 10.91, 9.82], None, [0, 1, 0, -1, -1]),
        # 10.05 x 1.1 = 11.055 is rounded half up: 11.05 is one cent short.
        ("000001.SZ", "2024-01-01", [10.05, 11.05], None, [0, 0]),
        ("000001.SZ", "2024-01-01", [10.05, 11.06], None, [0, 1]),
        # Two shares for one: the reference is 5.02 (10.03 / 2 = 5.015), its limits 5.52 and 4.52.
        ("600000.SH", "2024-01-01", [10.03, 5.52], [1.0, 2.0], [0, 1]),
        ("600000.SH", "2024-01-01", [10.03, 4.52], [1.0, 2.0], [0, -1]),
        ("600000.SH", "2024-01-01", [10.03, 5.51], [1.0, 2.0], [0, 0]),
        # ChiNext before and after 24 August 2020, a Monday: 10 % on the Friday, then 20 %.
        ("300001.SZ", "2020-08-20", [10.0, 11.0, 12.1, 14.52], None, [0, 1, 0, 1]),
        # STAR 20 %, Beijing 30 %.
        ("688001.SH", "2024-01-01", [10.0, 11.0, 13.2], None, [0, 0, 1]),
        ("430047.BJ", "2024-01-01", [10.0, 12.0, 8.4], None, [0, 0, -1]),
        # No limit in New York, nor for an index.
        ("AAPL", "2024-01-01", [10.0, 11.0, 9.9], None, [0, 0, 0]),
        ("000300.SH", "2024-01-01", [10.0, 11.0, 9.9], None, [0, 0, 0]),
    ],
)
def test_a_close_at_its_limit(
    symbol: str, first: str, traded: list[float], factors: list[float] | None, expected: list[int]
) -> None:
    past = history(closes(traded, symbol=symbol, first=first, factor=factors))
    assert at_limit(past)[:, 0].tolist() == expected


def test_each_share_has_the_limit_of_its_board() -> None:
    rows = [closes([10.0, 12.0], symbol=symbol) for symbol in ("300001.SZ", "430047.BJ", "AAPL", "688001.SH")]
    past = history(pd.concat([*rows, closes([10.0], symbol="600000.SH")]))
    # A column that has ended has no value.
    np.testing.assert_array_equal(at_limit(past), [[0, 0, 0, 0, 0], [1, 0, np.nan, 1, 0]])
    assert past.symbols == ("300001.SZ", "430047.BJ", "600000.SH", "688001.SH", "AAPL")


def test_the_random_shares_with_a_limit_are_often_at_it() -> None:
    # Else the loops would agree on nothing.
    found = at_limit(History(adjusted(trusted(limited(1, "600000.SH", 10, sessions=400)))))
    assert (found == 1).mean() > 0.05
    assert (found == -1).mean() > 0.05

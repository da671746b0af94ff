from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from data.bars import validate
from data.providers.tushare.quotes import FACTORS, QUOTES, bars_table, unexplained_factors

A = "600000.SH"


def quotes(*rows: tuple[Any, ...]) -> pd.DataFrame:
    """Day, close, pre_close, vol, amount; the other prices follow the close."""
    made = [(A, day, close, close, close, close, pre_close, vol, amount) for day, close, pre_close, vol, amount in rows]
    return pd.DataFrame(made, columns=list(QUOTES))


def factors(*rows: tuple[str, Any]) -> pd.DataFrame:
    return pd.DataFrame([(A, *row) for row in rows], columns=list(FACTORS))


def test_units_become_shares_and_cny_and_rows_are_in_order() -> None:
    found = bars_table(
        quotes(("20240103", 10.2, 10.1, 12.34, 6.293), ("20240102", 10.1, 10.0, 7.0, 7.0)),
        factors(("20240103", 1.5), ("20240102", 1.25), ("20240104", 2.0)),
    )
    assert found["session"].tolist() == ["20240102", "20240103"]
    assert found["volume"].tolist() == [700.0, 1234.0]
    assert found["amount"].tolist() == [7000.0, 6293.0]
    assert found["adj_factor"].tolist() == [1.25, 1.5]


def test_a_factor_that_is_not_there_yet_is_unknown() -> None:
    found = bars_table(quotes(("20240102", 10.1, 10.0, 7.0, 7.0)), factors())
    assert found["adj_factor"].isna().all()


def test_an_index_has_no_ex_dates() -> None:
    found = bars_table(quotes(("20240102", 10.1, 10.0, 7.0, 7.0)), None)
    assert found["adj_factor"].tolist() == [1.0]


def test_no_rows_are_an_empty_table() -> None:
    assert bars_table(quotes(), factors()).empty


def test_repeated_rows_count_once_and_contradicting_ones_are_left_to_the_quarantine() -> None:
    row = ("20240102", 10.1, 10.0, 7.0, 7.0)
    one = factors(("20240102", 1.0))
    assert len(bars_table(quotes(row, row), pd.concat([one, one]))) == 1
    two = bars_table(quotes(row), factors(("20240102", 1.0), ("20240102", 2.0)))
    assert validate(two, source="test").counts() == {"conflicting_duplicate": 2}


def test_what_is_no_number_stays_for_the_quarantine() -> None:
    found = bars_table(
        quotes(("20240102", 10.1, 10.0, "many", 7.0), ("20240103", 10.1, 10.0, 7.0, None)),
        factors(("20240102", 1.0), ("20240103", 1.0)),
    )
    checked = validate(found, source="test")
    assert checked.counts() == {"not_a_number": 1}
    assert "many" in checked.quarantine["raw"].iloc[0]
    assert checked.bars.frame["amount"].isna().tolist() == [True]


@pytest.mark.parametrize(
    ("close", "pre_close", "factor", "odd"),
    [
        (10.0, 10.0, 1.0, False),
        (9.5, 9.0, 1.1111, False),  # 1 CNY of 10 is paid out: 10 / 9 = 1.1111
        (9.5, 9.0, 1.0, True),  # the price says so, the factor does not
        (10.0, 10.0, 1.1111, True),  # the factor says so, the price does not
        (5.0, 5.0, 2.0, False),  # a split
        (0.5, 10.005, 1.0, False),  # pre_close is rounded
    ],
)
def test_a_factor_moves_where_the_reference_price_does(
    close: float, pre_close: float, factor: float, odd: bool
) -> None:
    told = quotes(("20240102", 10.0, 10.0, 1.0, 1.0), ("20240103", close, pre_close, 1.0, 1.0))
    found = unexplained_factors(told, factors(("20240102", 1.0), ("20240103", factor)))
    assert bool(found) is odd
    if odd:
        assert found[0].startswith(f"{A} 20240103: the factor says {factor:.4f} against the session before, pre_close")


def test_two_shares_are_not_compared_with_each_other() -> None:
    told = pd.concat(
        [quotes(("20240102", 10.0, 10.0, 1.0, 1.0)), quotes(("20240102", 50.0, 50.0, 1.0, 1.0)).assign(ts_code="B")]
    )
    both = pd.concat([factors(("20240102", 1.0)), factors(("20240102", 7.0)).assign(ts_code="B")])
    assert unexplained_factors(told, both) == []

from __future__ import annotations

import csv
import gzip
import itertools
from datetime import date
from importlib.metadata import distribution
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.adjust import factor_from_adjusted_close
from data.bars import validate
from data.errors import UnknownSymbol
from data.providers.sample import SampleProvider
from tests.data.tables import several


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    return {batch.source: batch.table.set_index("session") for batch in SampleProvider().batches(None, None, None)}


@pytest.fixture(scope="module")
def as_printed() -> dict[str, list[tuple[str, float, float]]]:
    """Session, close and adjusted close of each share, as the package's file has them."""
    file = Path(str(distribution("bokeh-sampledata").locate_file("bokeh_sampledata/_data/stocks.csv.gz")))
    found: dict[str, list[tuple[str, float, float]]] = {}
    with gzip.open(file, "rt", encoding="utf-8", newline="") as lines:
        for one in csv.DictReader(lines):
            found.setdefault(one["Ticker"], []).append((one["Date"], float(one["Close"]), float(one["Adj Close"])))
    return found


def steps(table: pd.DataFrame) -> dict[str, float]:
    """Where the factor moves, and by what."""
    pairs = itertools.pairwise(table["adj_factor"].items())
    return {str(day): now / before for (_, before), (day, now) in pairs if now != before}


def test_there_are_five_shares_and_every_row_is_good(tables: dict[str, pd.DataFrame]) -> None:
    # Counted with zgrep in the package's file.
    sessions = {"AAPL": 3270, "FB": 196, "GOOG": 2148, "IBM": 3270, "MSFT": 3270}
    assert {symbol: len(table) for symbol, table in tables.items()} == sessions
    for symbol, table in tables.items():
        found = validate(table.reset_index(), source=symbol)
        assert found.counts() == {}
        assert found.bars.symbols == (symbol,)
    assert SampleProvider().size(None) == 5


@pytest.mark.parametrize(
    ("symbol", "ex_date"),
    # From the companies' announcements: 2-for-1 each.
    [("AAPL", "2000-06-21"), ("AAPL", "2005-02-28"), ("MSFT", "2003-02-18")],
)
def test_the_factor_doubles_at_a_split(tables: dict[str, pd.DataFrame], symbol: str, ex_date: str) -> None:
    assert steps(tables[symbol])[ex_date] == pytest.approx(2, rel=1e-12)


def test_between_ex_dates_the_factor_is_constant_to_the_last_bit(tables: dict[str, pd.DataFrame]) -> None:
    # Apple's two splits, and the three dividends of 2.65 dollars since it resumed them in 2012: nothing else.
    dividends = ["2012-08-09", "2012-11-07", "2013-02-07"]
    assert set(steps(tables["AAPL"])) == {"2000-06-21", "2005-02-28", *dividends}
    assert tables["AAPL"]["adj_factor"].nunique() == 6
    close = tables["AAPL"]["close"].shift()
    for day in dividends:
        step = steps(tables["AAPL"])[day]
        assert step == pytest.approx(close[day] / (close[day] - 2.65), abs=2e-4)
    # Neither Facebook nor Google had paid or split by 2013.
    assert set(tables["FB"]["adj_factor"]) == {1.0}
    assert set(tables["GOOG"]["adj_factor"]) == {1.0}
    # IBM pays every quarter: February, May, August and November of 13 years.
    assert len(steps(tables["IBM"])) == 52


def test_price_times_factor_is_proportional_to_the_files_own_adjusted_close(
    tables: dict[str, pd.DataFrame], as_printed: dict[str, list[tuple[str, float, float]]]
) -> None:
    assert set(tables) == set(as_printed)
    for symbol, rows in as_printed.items():
        own = tables[symbol]
        assert list(own.index) == [day for day, _, _ in rows]
        assert list(own["close"]) == [close for _, close, _ in rows]
        ratios = own["close"] * own["adj_factor"] / [adjusted for _, _, adjusted in rows]
        assert ratios.max() / ratios.min() - 1 < 1e-9
        assert own["adj_factor"].iloc[0] == 1.0


def test_only_what_was_asked_for_comes_in_the_order_asked() -> None:
    batches = list(SampleProvider().batches(["MSFT", "AAPL"], date(2005, 2, 25), date(2005, 3, 1)))
    assert [batch.source for batch in batches] == ["MSFT", "AAPL"]
    for batch in batches:
        # A weekend lies between; both ends are included.
        assert list(batch.table["session"]) == ["2005-02-25", "2005-02-28", "2005-03-01"]
    assert SampleProvider().size(["MSFT", "AAPL"]) == 2


@pytest.mark.parametrize(
    ("start", "end", "first", "last"),
    [
        (date(2012, 12, 30), None, "2012-12-31", "2013-03-01"),
        (None, date(2000, 3, 5), "2000-03-01", "2000-03-03"),
    ],
)
def test_either_end_may_be_open(start: date | None, end: date | None, first: str, last: str) -> None:
    (batch,) = SampleProvider().batches(["IBM"], start, end)
    assert (batch.table["session"].iloc[0], batch.table["session"].iloc[-1]) == (first, last)


def test_a_factor_does_not_depend_on_the_span_that_is_asked_for(tables: dict[str, pd.DataFrame]) -> None:
    # Else a second, shorter fetch would contradict the first.
    (batch,) = SampleProvider().batches(["AAPL"], date(2010, 1, 4), None)
    whole = tables["AAPL"]["adj_factor"]
    assert list(batch.table["adj_factor"]) == list(whole[whole.index >= "2010-01-04"])


def test_a_span_without_sessions_is_empty() -> None:
    (batch,) = SampleProvider().batches(["FB"], date(2001, 1, 1), date(2001, 12, 31))
    assert batch.table.empty


def test_an_unknown_symbol_comes_with_those_there_are() -> None:
    with pytest.raises(UnknownSymbol) as caught:
        list(SampleProvider().batches(["AAPL", "TSLA"], None, None))
    assert caught.value.symbol == "TSLA"
    assert caught.value.available == ("AAPL", "FB", "GOOG", "IBM", "MSFT")


@several
@given(
    closes=st.lists(st.floats(1, 1000), min_size=1, max_size=40),
    moves=st.dictionaries(st.integers(0, 39), st.sampled_from([2.0, 0.5, 1.01, 1.0002, 3.0]), max_size=6),
    base=st.floats(0.01, 100),
)
def test_a_factor_is_found_again_from_printed_adjusted_closes(
    closes: list[float], moves: dict[int, float], base: float
) -> None:
    factors, now = [], 1.0
    for position in range(len(closes)):
        # An ex-date on the first day cannot be seen: the factor starts at one there.
        now *= moves.get(position, 1.0) if position else 1.0
        factors.append(now)
    adjusted = [float(f"{close * factor * base:.15g}") for close, factor in zip(closes, factors, strict=True)]
    found = list(factor_from_adjusted_close(pd.Series(adjusted), pd.Series(closes)) / base)
    assert found == pytest.approx(factors, rel=1e-9)
    for position in range(1, len(closes)):
        assert (found[position] == found[position - 1]) == (factors[position] == factors[position - 1])


def test_a_row_without_a_usable_price_has_no_factor_and_disturbs_none() -> None:
    adjusted = pd.Series([5.0, float("nan"), 5.5, 0.0, 12.0])
    close = pd.Series([10.0, 10.5, 11.0, 11.0, 12.0])
    found = factor_from_adjusted_close(adjusted, close)
    assert list(found.isna()) == [False, True, False, True, False]
    assert list(found.dropna()) == [0.5, 0.5, 1.0]
    assert factor_from_adjusted_close(pd.Series([0.0]), pd.Series([1.0])).isna().all()

"""Tables are compared to the last bit, and differences are placed."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import ArrayLike

from forecaster.leakcheck.compare import differences
from forecaster.leakcheck.tables import Stage, Table, names_of

SYMBOLS = ("A", "A", "A", "B", "B")
DAYS = ("2024-01-01", "2024-01-02", "2024-01-04", "2024-01-01", "2024-01-03")


def made(values: ArrayLike, symbols: tuple[str, ...] = SYMBOLS, days: tuple[str, ...] = DAYS) -> Table:
    day = np.array(days, dtype="datetime64[D]")
    return Table(Stage.FEATURES, "row", names_of(symbols), day, {"it": np.asarray(values)})


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64"])
def test_equal_tables_do_not_differ(dtype: str) -> None:
    assert differences(made(np.arange(5, dtype=dtype)), made(np.arange(5, dtype=dtype))) == []


def test_the_last_bit_counts() -> None:
    values = np.array([0.1, 1.0, 2.0, 3.0, 4.0])
    (found,) = differences(made(values), made(np.append(values[:4], np.nextafter(4.0, 5.0))))
    assert (found.name, found.symbol, found.session) == ("it", "B", "2024-01-03")
    assert (found.before, found.after) == (4.0, np.nextafter(4.0, 5.0))
    assert (found.changed, found.compared, found.reach) == (1, 5, 0)


def test_zero_has_a_sign_and_nothing_is_nothing() -> None:
    other_nan = np.array([0x7FF8000000000001], dtype="uint64").view("float64")[0]
    one = np.array([0.0, np.nan, 1.0, 1.0, 1.0])
    assert differences(made(one), made(np.array([0.0, other_nan, 1.0, 1.0, 1.0]))) == []
    (found,) = differences(made(one), made(np.array([-0.0, np.nan, 1.0, 1.0, 1.0])))
    assert found.session == "2024-01-01"
    (found,) = differences(made(one), made(np.array([0.0, 0.0, 1.0, 1.0, 1.0])))
    assert np.isnan(found.before)


def test_the_newest_row_is_shown_and_the_oldest_measures_the_reach() -> None:
    (found,) = differences(made(np.arange(5.0)), made(np.array([9.0, 9.0, 9.0, 3.0, 4.0])))
    assert (found.session, found.changed, found.reach) == ("2024-01-04", 3, 2)
    assert found.everywhere


def test_the_place_within_a_row_is_found() -> None:
    one = np.zeros((5, 2, 3), dtype="float32")
    other = one.copy()
    other[1, 1, 2] = 7
    (found,) = differences(made(one), made(other))
    assert (found.before, found.after, found.session) == (0, 7, "2024-01-02")


def test_a_row_that_is_missing_is_named() -> None:
    one = made(np.arange(5.0))
    other = made(np.arange(4.0), SYMBOLS[:2] + SYMBOLS[3:], DAYS[:2] + DAYS[3:])
    (found,) = differences(one, other)
    assert (found.name, found.symbol, found.session, found.before, found.after) == (
        "row",
        "A",
        "2024-01-04",
        "there",
        None,
    )
    (found,) = differences(other, one)
    assert (found.before, found.after) == (None, "there")


def test_tables_without_rows_are_equal() -> None:
    assert differences(made(np.empty((0, 2)), (), ()), made(np.empty((0, 2)), (), ())) == []

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from data.providers.tushare.suspensions import EVENTS, explained

# Sessions 0 to 9.
DAYS = np.arange(np.datetime64("2024-03-01"), np.datetime64("2024-03-11"))
HALT = "09:30-10:00"


def told(*events: tuple[int, str] | tuple[int, str, str]) -> pd.DataFrame:
    """Events of A by session."""
    rows = [("A", f"202403{one[0] + 1:02}", one[2] if len(one) == 3 else None, one[1]) for one in events]
    return pd.DataFrame(rows, columns=list(EVENTS))


def suspended(gaps: Sequence[int], events: pd.DataFrame, known: Sequence[int] = ()) -> list[int]:
    """The numbers of those of A's gaps that are explained."""
    tables = [
        pd.DataFrame({"symbol": pd.Series("A", index=range(len(one)), dtype="str"), "number": one})
        for one in (gaps, known)
    ]
    found = explained(tables[0], events, tables[1].astype({"number": "int64"}), DAYS)
    assert found["number"].tolist() == list(gaps)
    assert set(found["why"]) <= {"suspended", "open"}
    return found.loc[found["why"] == "suspended", "number"].tolist()


@pytest.mark.parametrize(
    ("gaps", "events", "expected"),
    [
        ([3, 4], told((3, "S"), (4, "S")), [3, 4]),  # session by session
        ([3, 4], told((3, "S"), (5, "R")), [3, 4]),  # by its beginning and its end
        ([3, 4], told((2, "S")), [3, 4]),  # from after the session before
        ([3, 4], told((3, "S"), (4, "R")), [3]),  # resumed, and yet without a bar
        ([3, 4], told((4, "S")), [4]),
        ([3, 4], told(), []),
        ([3, 4], told((1, "S")), []),  # traded on 2
        ([3, 4], told((2, "S"), (2, "R")), [3, 4]),  # S explains a missing bar
        ([3], told((2, "S", HALT)), []),  # a halt of a session with a bar
        ([3], told((3, "S", HALT)), [3]),  # of the missing one itself
        ([3, 6], told((3, "S")), [3]),  # ended by the bars of 4 and 5
        ([0], told((0, "S")), [0]),
    ],
)
def test_why_there_is_no_bar(gaps: list[int], events: pd.DataFrame, expected: list[int]) -> None:
    assert suspended(gaps, events) == expected


def test_a_suspension_that_is_known_goes_on() -> None:
    assert suspended([5], told(), known=[4]) == [5]
    assert suspended([5], told((5, "R")), known=[4]) == []
    assert suspended([6], told(), known=[4]) == []


def test_another_share_says_nothing() -> None:
    assert suspended([3], told((3, "S")).assign(ts_code="B")) == []

"""Which pass is due, by the exchanges' own closes."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from data.sessions import Calendars
from forecaster.pipeline.due import Due, due_among, opening_after

BOTH = frozenset({"XSHG", "XNYS"})


# Shanghai closes at 07:00 UTC and New York, in winter, at 21:00; bars are due an hour later. From the 9th to the 18th
# of February 2024 Shanghai keeps the Spring Festival, and on the 19th New York keeps Presidents' Day.
@pytest.mark.parametrize(
    ("now", "session", "exchange"),
    [
        ("2024-02-08T07:59", "2024-02-07", "XNYS"),
        ("2024-02-08T08:00", "2024-02-08", "XSHG"),
        ("2024-02-08T22:00", "2024-02-08", "XNYS"),
        ("2024-02-15T12:00", "2024-02-14", "XNYS"),
        ("2024-02-19T08:30", "2024-02-19", "XSHG"),
        ("2024-02-19T23:00", "2024-02-19", "XSHG"),
        ("2024-02-20T22:30", "2024-02-20", "XNYS"),
    ],
)
def test_each_close_has_its_pass(now: str, session: str, exchange: str) -> None:
    found = due_among(BOTH, Calendars(), datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert found == Due(date.fromisoformat(session), exchange, f"{session}.{exchange}")


def test_one_exchange_needs_no_name() -> None:
    found = due_among(frozenset({"XSHG"}), Calendars(), datetime(2024, 2, 12, 9, tzinfo=UTC))
    assert found == Due(date(2024, 2, 8), "XSHG", "2024-02-08")
    assert opening_after(found, Calendars()) == datetime(2024, 2, 19, 1, 30, tzinfo=UTC)

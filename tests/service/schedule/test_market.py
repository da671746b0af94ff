from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from data.store import PriceStore
from forecaster.pipeline.errors import NoSessions
from forecaster.schedule_settings import ScheduleSettings
from forecaster.settings import Settings
from service.schedule.market import StoredMarket
from tests.service.test_symbols import add_bars, days


def test_the_exchanges_are_those_that_passes_are_for(tmp_path: Path) -> None:
    store = PriceStore(tmp_path / "prices")
    where = Settings(home=tmp_path, store="")
    with pytest.raises(NoSessions):
        StoredMarket(where, store).read()
    named = where.model_copy(update={"schedule": ScheduleSettings(exchanges=("XHKG",))})
    assert list(StoredMarket(named, store).read()) == ["XHKG"]
    for symbol in ("AAPL", "600519.SH", "000001.SZ"):
        add_bars(tmp_path, symbol, days(date(2024, 2, 5), 2))
    found = StoredMarket(where, store).read()
    assert list(found) == ["XNYS", "XSHG"]
    assert found["XSHG"].next_session(date(2024, 2, 8)) == date(2024, 2, 19)
    assert list(StoredMarket(named, store).read()) == ["XHKG"]

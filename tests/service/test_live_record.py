"""The part of the diagnostics that is about published forecasts, beside the held-out span's and never in it."""

from __future__ import annotations

import logging
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from data.store import PriceStore
from forecaster.ledger.table import Ledger
from tests.service.asking import ask, host_of, loaded

PUBLISHED = 70


def append(ledger: Ledger, bars: pd.DataFrame, version: str = "1") -> None:
    """Forecasts of "one percent more" for the session after each bar, published an hour after its close."""
    sessions = [day.date() for day in bars["session"]]
    rows = pd.DataFrame(
        {
            "name": "next-close",
            "version": version,
            "run_id": "none",
            "trained_through": date(2012, 1, 3),
            "symbol": bars["symbol"].tolist(),
            "as_of": sessions,
            "target_session": [day + timedelta(days=1) for day in sessions],
            "opens_at": pd.to_datetime(bars["session"]).dt.tz_localize("UTC") + pd.Timedelta(hours=38),
            "step": 1,
            "published_at": pd.to_datetime(bars["session"]).dt.tz_localize("UTC") + pd.Timedelta(hours=22),
            "last_close": bars["close"],
            "adj_factor": bars["adj_factor"],
            "levels": [[0.1, 0.5, 0.9]] * len(bars),
            "quantiles": [[0.97 * close, 1.01 * close, 1.05 * close] for close in bars["close"]],
            "naive_quantiles": None,
            "data_version": 0,
        }
    )
    ledger.append(rows)


@pytest.fixture
def bars(home: Path) -> pd.DataFrame:
    return PriceStore(home / "prices").read(["AAPL"]).frame.tail(PUBLISHED)


def live(app: Any, symbol: str = "AAPL") -> Any:
    return ask(app, f"/v1/diagnostics/{symbol}").json()["live"]


def test_what_was_published_is_judged_apart(home: Path, bars: pd.DataFrame) -> None:
    held_out = ask(loaded(home), "/v1/diagnostics/AAPL").json()
    assert held_out["live"] is None
    append(Ledger(home / "ledger"), bars)
    app = loaded(home)
    answer = ask(app, "/v1/diagnostics/AAPL").json()
    found = answer.pop("live")
    assert answer == {name: value for name, value in held_out.items() if name != "live"}
    assert (found["published"], found["pending"], found["restated"], found["versions"]) == (PUBLISHED, 1, 0, ["1"])
    since = bars["session"].iloc[0].to_pydatetime().replace(tzinfo=UTC) + timedelta(hours=22)
    assert datetime.fromisoformat(found["since"]) == since
    assert found["sample"]["sessions"] == PUBLISHED - 1
    close = (bars["close"] * bars["adj_factor"]).to_numpy() / bars["adj_factor"].iloc[-1]
    assert found["errors"]["mae"] == pytest.approx(np.abs(1.01 * close[:-1] - close[1:]).mean(), rel=1e-9)
    assert found["verdict"].keys() == answer["verdict"].keys()
    assert live(app, "MSFT") is None


def test_what_was_just_published_is_there_without_a_refresh(home: Path, bars: pd.DataFrame) -> None:
    app = loaded(home)
    assert live(app) is None
    append(Ledger(home / "ledger"), bars[:1])
    found = live(app)
    assert (found["published"], found["pending"]) == (1, 0)
    assert found["errors"]["status"] == "insufficient data"
    assert host_of(app).outcomes == {"rebuilt": 1, "unchanged": 0, "failed": 0}


def test_a_ledger_that_cannot_be_read_stops_nothing(
    home: Path, bars: pd.DataFrame, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = Ledger(home / "ledger")
    append(ledger, bars)
    app = loaded(home)
    assert live(app)["published"] == PUBLISHED
    (commit,) = (home / "ledger" / "_delta_log").glob("*.json")
    commit.write_text("{", encoding="utf-8")
    with caplog.at_level(logging.WARNING, logger="service.live"):
        # The answer that was made before is as good as it was.
        assert live(app)["published"] == PUBLISHED
    assert "the ledger of published forecasts in" in caplog.text
    fresh = loaded(home)
    assert live(fresh) is None
    assert ask(fresh, "/v1/forecasts/AAPL").status_code == 200
    assert "answering without the live record: the ledger of published forecasts in" in caplog.text


def test_it_needs_no_tensorflow() -> None:
    code = "import sys, service.live, forecaster.ledger.live; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

"""An outage of the source during a pass, against a server that speaks its protocol."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

from data.store import PriceStore
from forecaster.pipeline.record import PassState, StepState
from forecaster.pipeline.run import run_pass
from forecaster.settings import Settings
from tests.forecaster.pipeline.passing import settings_of
from tests.tushare_server import faults
from tests.tushare_server.market import random_market
from tests.tushare_server.server import TushareServer

TOKEN = "open-sesame-0123456789"


class Evening:
    """20:00 in Shanghai on the first of December 2023, and waiting takes no time."""

    def now(self) -> datetime:
        return datetime(2023, 12, 1, 12, tzinfo=UTC)

    def sleep(self, seconds: float) -> None:
        pass


def test_an_outage_is_never_taken_for_no_data(tmp_path: Path) -> None:
    market = random_market(symbols=4, first=date(2023, 10, 9), last=date(2023, 12, 29), seed=5)
    with TushareServer(market, token=TOKEN) as server:
        shares = settings_of(tmp_path, provider="tushare", universe="all")
        account = {"tushare_token": TOKEN, "tushare_url": server.url, "tushare_calls_per_minute": 100_000}
        where = Settings(**{**shares.model_dump(), **account})
        server.misbehave(faults.status(503), None, "adj_factor")
        failed = run_pass(where, Evening(), inline=True, until="check")
        assert (failed.key, failed.exchange, failed.state) == ("2023-12-01", "XSHG", PassState.FAILED)
        assert failed.step("fetch").state is StepState.FAILED
        assert "adj_factor: the server answered with HTTP status 503" in failed.step("fetch").detail
        assert failed.evidence("fetch") == {}
        assert failed.step("fetch").evidence["missing_pieces"] > 0
        assert (failed.step("check").state, failed.step("check").detail) == (StepState.PENDING, "waits for fetch")
        server.behave()
        done = run_pass(where, Evening(), inline=True, until="check")
    assert done.state is PassState.STOPPED
    assert done.step("fetch").attempts == 2
    assert done.evidence("check")["traded"] > 0
    # What the market says of December later on is not known on that evening.
    assert PriceStore(where.store_uri).summary()["last"].max() == date(2023, 12, 1)

"""A fetch that dies at any moment: the next one ends with the table of a fetch that was not interrupted.

The long form, with hundreds of kills and the other commands beside it, is `benchmarks/kills.py`.
"""

from __future__ import annotations

import multiprocessing
import random
import shutil
import signal
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

import data.ingest
from data.ingest import IngestReport, ingest
from data.providers.catalogue import tushare
from data.providers.tushare.account import Account
from data.store import PriceStore
from tests.tushare_server.market import Market, random_market
from tests.tushare_server.server import TushareServer

KILLS = 12
FIRST, LAST = date(2022, 1, 4), date(2024, 6, 28)
NOW = datetime(2024, 6, 28, 12, 0, tzinfo=UTC)
EARLIER, EARLIER_NOW = date(2024, 6, 14), datetime(2024, 6, 14, 12, 0, tzinfo=UTC)

# Children are forked from a process that has imported everything and touched nothing.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["data.providers.tushare.provider", "data.ingest", "tests.data.test_fetch_killed"])


def fetch(folder: Path, url: str, now: datetime) -> IngestReport:
    """All shares of the server into a store, in commits of a few thousand rows."""
    data.ingest._ROWS_A_COMMIT = 3_000
    source = tushare(Account("a-token", url=url, per_minute=100_000))
    return ingest(source, PriceStore(folder), now=now, everything=True, start=FIRST)


@pytest.fixture(scope="module")
def market() -> Market:
    made = random_market(symbols=40, first=FIRST, last=LAST, seed=11)
    # In between the vendor restates two shares, one of them only from some day on.
    made.restate_factor(made.symbols[3], 1.25)
    made.restate_factor(made.symbols[7], 0.5, since=date(2023, 3, 1))
    return made


@pytest.fixture(scope="module")
def server(market: Market) -> Iterator[TushareServer]:
    with TushareServer(market) as made:
        yield made


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store as it was two weeks before, with the factors of that time."""
    folder = tmp_path_factory.mktemp("earlier") / "prices"
    before = random_market(symbols=40, first=FIRST, last=LAST, seed=11)
    with TushareServer(before, today=EARLIER) as server:
        assert not fetch(folder, server.url, EARLIER_NOW).missing
    return folder


def content(folder: Path) -> str:
    return PriceStore(folder).fingerprint()


@pytest.fixture(scope="module")
def uninterrupted(
    market: Market, server: TushareServer, earlier: Path, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """What every store must hold in the end, however it came about, and that it is the source's truth."""
    folder = tmp_path_factory.mktemp("whole") / "prices"
    report = fetch(folder, server.url, NOW)
    assert not report.missing
    stored = PriceStore(folder).read().frame
    truth = market.expected_bars(first=FIRST, last=LAST)
    assert stored[list(truth.columns)].equals(
        truth.astype(stored.dtypes[truth.columns].to_dict()).reset_index(drop=True)
    )
    updated = shutil.copytree(earlier, tmp_path_factory.mktemp("updated") / "prices")
    assert content(updated) != content(folder)
    assert not fetch(updated, server.url, NOW).missing
    assert content(updated) == content(folder)
    return content(folder)


def start(folder: Path, url: str) -> multiprocessing.process.BaseProcess:
    child = FORKS.Process(target=fetch, args=(folder, url, NOW), daemon=True)
    child.start()
    return child


def duration(folder: Path, url: str) -> float:
    """Seconds of a fetch in a child."""
    began = time.monotonic()
    start(folder, url).join()
    return time.monotonic() - began


def test_the_run_after_a_kill_ends_as_if_nothing_had_happened(
    server: TushareServer, earlier: Path, uninterrupted: str, tmp_path: Path
) -> None:
    """From nothing and from an earlier store in turns, until so many kills have met a fetch at work."""
    chance = random.Random(20241121)
    duration(tmp_path / "first", server.url)  # the first child waits for the imports
    whole = [
        duration(tmp_path / "timed", server.url),
        duration(shutil.copytree(earlier, tmp_path / "updated"), server.url),
    ]
    killed = tried = 0
    while killed < KILLS:
        folder = tmp_path / f"{tried}"
        from_earlier = tried % 2
        if from_earlier:
            shutil.copytree(earlier, folder)
        child = start(folder, server.url)
        time.sleep(chance.uniform(0.02, 0.9 * whole[from_earlier]))
        child.kill()
        child.join()
        killed += child.exitcode == -signal.SIGKILL
        tried += 1
        assert tried < 3 * KILLS, "most fetches end before they are killed"

        report = fetch(folder, server.url, NOW)
        assert not report.missing
        assert report.failure is None
        assert content(folder) == uninterrupted, f"kill {tried}"
        shutil.rmtree(folder)

"""The tables behind S3's protocol, with nothing set but the environment's own names."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import Request, urlopen

import pandas as pd
import pyarrow as pa
import pytest
from pandas.testing import assert_frame_equal

from data.delta import KeyedTable, Upserted
from data.errors import StoreUnavailable
from data.ingest import ingest
from data.providers.sample import SampleProvider
from data.store import PriceStore, stored_rows
from forecaster.ledger.errors import LedgerUnavailable
from forecaster.ledger.outcomes import live_record
from forecaster.ledger.publishing import publish
from forecaster.ledger.table import KEY, Ledger
from tests.deploy.databases import free_port
from tests.forecaster.ledger.publishers import (
    CALENDARS,
    SESSIONS,
    bars_of,
    checked,
    evening,
    forecast,
    made_by,
    publish_one,
)
from tests.forecaster.markets import until

NOW = datetime(2013, 3, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    # A process of its own: the client waits for answers with Python's lock held.
    port = free_port()
    with (tmp_path_factory.mktemp("s3") / "log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", f"{port}"], stdout=log, stderr=log
        )
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
            patch.setenv("AWS_ALLOW_HTTP", "true")
            patch.setenv("AWS_ACCESS_KEY_ID", "local")
            patch.setenv("AWS_SECRET_ACCESS_KEY", "local")
            patch.setenv("AWS_REGION", "us-east-1")
            _make("stocks", port)
            yield "s3://stocks"
    finally:
        server.kill()
        server.wait()


def _make(name: str, port: int) -> None:
    """A bucket, as soon as the server listens."""
    deadline = time.monotonic() + 60
    while True:
        try:
            with urlopen(Request(f"http://127.0.0.1:{port}/{name}", method="PUT"), timeout=5):
                return
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_prices_are_written_and_read_as_in_a_folder(bucket: str, tmp_path: Path) -> None:
    remote, local = PriceStore(f"{bucket}/prices"), PriceStore(tmp_path / "prices")
    for store in (remote, local):
        ingest(SampleProvider(), store, symbols=["AAPL", "FB"], now=NOW)
    assert remote.read().frame.equals(local.read().frame)
    assert remote.fingerprint() == local.fingerprint()
    before = remote.version()
    ingest(SampleProvider(), remote, symbols=["AAPL", "FB"], now=NOW)
    assert remote.version() == before
    assert remote.tail("AAPL", 3).frame["session"].is_monotonic_increasing
    assert remote.read(["FB"], version=before).frame.equals(local.read(["FB"]).frame)


def test_machines_that_fetch_the_same_bars_at_once_write_each_once(bucket: str, tmp_path: Path) -> None:
    local = PriceStore(tmp_path / "prices")
    ingest(SampleProvider(), local, symbols=["FB"], now=NOW)
    rows = stored_rows(local.read())
    like = local.tables["bars"]
    uri, machines = f"{bucket}/bars", 3
    together = threading.Barrier(machines)

    def fetch(_: int) -> list[Upserted]:
        own = KeyedTable(uri, rows.schema, like.key, year_of="session")
        done = []
        for start in (0, 3):
            together.wait()
            done.append(own.upsert(rows.slice(start, 3)))
        return done

    with ThreadPoolExecutor(machines) as threads:
        done = [one for all_ in threads.map(fetch, range(machines)) for one in all_]
    assert sum(one.inserted for one in done) == 6
    assert sum(one.updated for one in done) == 0
    found = KeyedTable(uri, rows.schema, like.key, year_of="session").select("select session from it")
    assert found is not None
    assert len(found) == 6
    assert found["session"].is_unique


def test_the_ledger_is_kept_and_judged_as_in_a_folder(bucket: str, tmp_path: Path) -> None:
    days = SESSIONS[:40]
    bars = checked(*(bars_of(symbol, {day: 100.0 + k for k, day in enumerate(days)}) for symbol in ("AAPL", "FB")))
    remote, local = Ledger(f"{bucket}/ledger"), Ledger(tmp_path / "ledger")
    for ledger in (remote, local):
        assert ledger.read().empty
        for day, version in zip(days[-3:], ("1", "1", "2"), strict=True):
            known = until(bars, pd.Timestamp(day))
            made = [forecast(symbol, day, 100.0 + days.index(day), change=0.01) for symbol in ("AAPL", "FB")]
            done = publish(made, ledger, made_by(version), known, CALENDARS, evening(day))
            assert (done.published, done.already) == (2, 0)
            # The first forecast counts, whoever comes after it.
            again = publish(made, ledger, made_by("9"), known, CALENDARS, evening(day) + timedelta(hours=1))
            assert (again.published, again.already) == (0, 2)
    assert (remote.version(), remote.is_append_only(), remote.schema_version()) == (2, True, 1)
    assert_frame_equal(remote.read(), local.read())
    assert_frame_equal(remote.summary(), local.summary())
    assert remote.keys("next-close", days[0]) == local.keys("next-close", days[0])
    assert remote.published_after(evening(days[-2])) == local.published_after(evening(days[-2]))
    known = live_record(remote, bars, "next-close")
    assert_frame_equal(known, live_record(local, bars, "next-close"))
    assert known["actual"].tolist() == [138.0, 139.0] * 2
    assert remote.clean(timedelta(0)) == []
    assert len(remote.read()) == 6


def test_machines_that_publish_the_same_at_once_are_heard_once(bucket: str, tmp_path: Path) -> None:
    held = Ledger(tmp_path / "ledger")
    for day in SESSIONS[:2]:
        publish_one(held, forecast("AAPL", day), evening(day))
    rows, machines = held._table.select("select * from it"), 3
    assert rows is not None
    table = pa.Table.from_pandas(rows, schema=held._table._schema, preserve_index=False)
    together = threading.Barrier(machines)

    def append(_: int) -> int:
        # Not by the ledger, whose lock holds within one machine.
        own = KeyedTable(f"{bucket}/shared", table.schema, KEY, append_only=True)
        together.wait()
        return own.append(table.slice(0, 1)) + own.append(table)

    with ThreadPoolExecutor(machines) as threads:
        assert sum(threads.map(append, range(machines))) == 2
    assert len(Ledger(f"{bucket}/shared").read()) == 2


def test_a_bucket_that_is_not_there_is_said_to_be_away(bucket: str) -> None:
    with pytest.raises(StoreUnavailable, match="s3://elsewhere"):
        PriceStore("s3://elsewhere/prices").read()
    with pytest.raises(LedgerUnavailable, match="s3://elsewhere"):
        publish_one(Ledger("s3://elsewhere/ledger"), forecast("AAPL", SESSIONS[0]), evening(SESSIONS[0]))

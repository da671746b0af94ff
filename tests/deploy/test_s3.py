"""The tables behind S3's protocol, with nothing set but the environment's own names."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from data.delta import KeyedTable, Upserted
from data.errors import StoreUnavailable
from data.ingest import ingest
from data.providers.sample import SampleProvider
from data.store import PriceStore, stored_rows
from tests.deploy.databases import free_port

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


def test_a_bucket_that_is_not_there_is_said_to_be_away(bucket: str) -> None:
    with pytest.raises(StoreUnavailable, match="s3://elsewhere"):
        PriceStore("s3://elsewhere/prices").read()

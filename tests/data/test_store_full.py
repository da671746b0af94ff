"""A disk that fills up in the middle of a write costs that write, and nothing that was there before.

The kernel's limit on the size of a file stands in for the disk: it needs no rights, and the error comes where a full
disk's would, in the middle of a file. It is set in another process, since what reports the tests writes files, too.
"""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from data.bars import Bars, validate
from data.errors import StoreFull
from data.store import PriceStore
from data.upkeep import compact
from tests.data.tables import checked, closes, market, row, table, trusted

# Of files, in bytes; doubled until the write succeeds.
SMALLEST = 100
LIMITS = 12

Usage = namedtuple("Usage", ["total", "used", "free"])


def bars(seed: int, prefix: str = "") -> Bars:
    frame = market(seed, symbols=4, sessions=300)
    return trusted(frame.assign(symbol=prefix + frame["symbol"]))


def days(first: str, n: int = 400) -> pd.DatetimeIndex:
    return pd.date_range(first, periods=n)


def keep_calendar(store: PriceStore, is_open: bool) -> None:
    store.facts.keep_calendar(pd.DataFrame({"exchange": "XSHG", "day": days("2031-01-01"), "is_open": is_open}))


def keep_listings(store: PriceStore, status: str) -> None:
    symbols = [f"{n:06}.SH" for n in range(400)]
    listed = pd.DataFrame({"symbol": symbols, "name": symbols, "status": status, "listed": days("2001-01-01")})
    store.facts.keep_listings(listed.assign(delisted=pd.NaT))


def keep_gaps(store: PriceStore, why: str) -> None:
    store.facts.keep_gaps(pd.DataFrame({"symbol": "AAPL", "session": days("2024-01-01"), "why": why}))


def replace_coverage(store: PriceStore, n: int) -> None:
    spans = pd.DataFrame({"symbol": "AAPL", "first": days("2024-01-01")[::2], "through": days("2024-01-01")[::2]})
    store.facts.replace_coverage(spans.assign(bars=n))


def set_aside(store: PriceStore, source: str) -> None:
    store.quarantine(validate(table(*[row(symbol="?", close=n) for n in range(400)]), source=source).quarantine)


def seed(store: PriceStore) -> None:
    store.upsert(bars(1))
    store.upsert(bars(2, "X"))
    set_aside(store, "a.csv")
    keep_calendar(store, True)
    keep_listings(store, "L")
    keep_gaps(store, "open")
    replace_coverage(store, 1)


WRITES: dict[str, Callable[[PriceStore], object]] = {
    "the first bars": lambda store: store.upsert(bars(1)),
    "new bars": lambda store: store.upsert(bars(3, "N")),
    "changed bars": lambda store: store.upsert(bars(3)),
    "new and changed bars": lambda store: store.upsert(trusted(pd.concat([bars(3).frame, bars(4, "N").frame]))),
    "rows set aside": lambda store: set_aside(store, "b.csv"),
    "calendar": lambda store: keep_calendar(store, False),
    "listings": lambda store: keep_listings(store, "D"),
    "gaps": lambda store: keep_gaps(store, "absent"),
    "coverage": lambda store: replace_coverage(store, 2),
    "compaction": compact,
}


def content(store: PriceStore) -> list[str]:
    """What is in every table, as text."""
    held = store.fingerprint() if store.version() is not None else "nothing"
    facts = store.facts
    tables = (store.quarantined(), facts.calendar(), facts.listings(), facts.gaps(), facts.coverage())
    return [held, *(one.to_csv() for one in tables)]


def try_with_little_room(name: str, folder: Path) -> list[str]:
    """What becomes of a write at each limit, the last being the first at which it succeeds."""
    write, outcomes = WRITES[name], []
    template = folder / "template"
    if name != "the first bars":
        seed(PriceStore(template))
    before = content(PriceStore(template))
    expected = None
    for step in range(LIMITS):
        store = PriceStore(folder / str(step))
        if template.exists():
            shutil.copytree(template, store.uri)
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (SMALLEST << step, hard))
        try:
            write(store)
            outcomes.append("written")
        except StoreFull:
            outcomes.append("full")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        if outcomes[-1] == "full":
            assert content(PriceStore(store.uri)) == before, f"{name}: changed at {SMALLEST << step} bytes"
            write(store)
        after = content(PriceStore(store.uri))
        expected = expected or after
        assert after == expected != ([] if write is compact else before), f"{name}: differs at {SMALLEST << step} bytes"
        if outcomes[-1] == "written":
            break
    return outcomes


@pytest.mark.parametrize("name", WRITES)
def test_a_full_disk_leaves_everything_as_it_was(tmp_path: Path, name: str) -> None:
    script = (
        "import json, pathlib, sys; from tests.data.test_store_full import try_with_little_room as trial; "
        "print(json.dumps(trial(sys.argv[1], pathlib.Path(sys.argv[2]))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, name, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    outcomes = json.loads(done.stdout)
    assert outcomes[-1] == "written"
    assert len(outcomes) >= 4, "the smallest limit is not small enough to show anything"
    assert outcomes == sorted(outcomes)


def test_a_full_disk_is_met_before_the_write_where_that_can_be_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = PriceStore(tmp_path / "prices")
    store.upsert(bars(1))
    before, files = store.fingerprint(), sorted(tmp_path.rglob("*"))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 10**12 - 4096, 4096))
    for write in WRITES.values():
        if write is not compact:
            with pytest.raises(StoreFull, match="4,096 bytes are free") as caught:
                write(store)
            assert caught.value.uri.startswith(store.uri)
    assert store.fingerprint() == before
    assert sorted(tmp_path.rglob("*")) == files
    monkeypatch.undo()
    assert store.upsert(bars(3)).updated > 0


def test_a_commit_counts_though_its_checkpoint_finds_no_room(tmp_path: Path) -> None:
    store = PriceStore(tmp_path / "prices")
    log = tmp_path / "prices" / "bars" / "_delta_log"
    store.upsert(checked(closes([1.0])))
    # The checkpoint's name is taken, by a folder: it cannot be written, whatever the room.
    (log / f"{10:020}.checkpoint.parquet").mkdir()
    versions = [store.upsert(checked(closes([float(n)]))).version for n in range(2, 24)]
    assert versions == list(range(1, 23))
    assert [store.read(version=n).frame["close"].tolist() for n in (9, 10, 11, 22)] == [[10.0], [11.0], [12.0], [23.0]]
    assert (log / f"{20:020}.checkpoint.parquet").is_file()

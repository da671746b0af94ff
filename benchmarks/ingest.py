"""Bars into the store and out of it, against Delta Lake without us.

A market of random walks comes in frames as a provider sends them: days as text, twelve sessions of all symbols in each.
They are made before the clock starts, because `ingest()` commits beside the work on the next frame. The bare writes get
the same rows as Arrow batches of the right types from a mapped file, and keep deltalake's defaults: their best form is
one stream into one commit, which has nothing to show when it is cut off.

Writers take turns, the bare stream before and after the others. What `ingest()` takes at its peak is measured first, in
a process of its own for each size, on frames that are made one by one.

    python benchmarks/ingest.py [--symbols 5000] [--sessions 2400] [--json]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable, write_deltalake

from data.bars import COLUMNS, validate
from data.ingest import ingest
from data.providers.base import Batch
from data.providers.tushare.quotes import FACTORS, QUOTES, bars_table
from data.store import PriceStore
from data.upkeep import compact

BARE = "bare Delta write, one stream, one commit"
APPENDS = "bare Delta appends, a commit a frame"
OURS = "ingest(): validate, compare, commit"
TUSHARE = "the same from Tushare's daily + adj_factor"
TAIL = "store.tail(symbol, 60)"

SESSIONS_A_FRAME = 12
DAYS = pd.bdate_range("2015-01-05", periods=2600).strftime("%Y%m%d").to_numpy()
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SCHEMA = pa.schema([("symbol", pa.string()), ("session", pa.date32())] + [(name, pa.float64()) for name in COLUMNS[2:]])

Answer = tuple[pd.DataFrame, pd.DataFrame]


class Market:
    """The same random walks for everyone who asks."""

    def __init__(self, symbols: int, sessions: int) -> None:
        self.symbols = pd.Series([f"{600_000 + number}.SH" for number in range(symbols)], dtype="str")
        self.sessions = sessions

    def frames(self, start: int = 0, each: int = SESSIONS_A_FRAME) -> Iterator[pd.DataFrame]:
        """The columns of `data.bars`, `each` sessions in a frame, prices to the cent."""
        random = np.random.default_rng(7)
        size = len(self.symbols)
        close = random.uniform(5, 200, size)
        for first in range(start, self.sessions, each):
            days = DAYS[first : min(first + each, self.sessions)]
            moves = np.cumsum(random.normal(0, 0.02, (len(days), size)), axis=0)
            closes = np.maximum(close * np.exp(moves), 1.0).round(2)
            opens = (closes * random.uniform(0.99, 1.01, closes.shape)).round(2)
            volume = random.integers(10, 9_000, closes.shape) * 100.0
            close = closes[-1]
            cells = {
                "open": opens,
                "high": np.maximum(opens, closes) + 0.01,
                "low": np.minimum(opens, closes) - 0.01,
                "close": closes,
                "volume": volume,
                "amount": (volume * closes).round(),
                "adj_factor": np.broadcast_to(np.linspace(1, 9, size).round(3), closes.shape),
            }
            frame = pd.DataFrame(
                {
                    "symbol": self.symbols.take(np.tile(np.arange(size), len(days))).array,
                    "session": pd.Series(np.repeat(days, size), dtype="str"),
                    **{name: values.ravel() for name, values in cells.items()},
                }
            )
            yield frame

    def answers(self, each: int = SESSIONS_A_FRAME) -> Iterator[Answer]:
        """The same as Tushare sends it: `daily` in hands and thousands, `adj_factor` beside."""
        for frame in self.frames(each=each):
            named = frame.rename(columns={"symbol": "ts_code", "session": "trade_date"})
            named = named.assign(
                pre_close=frame["close"], vol=frame["volume"] / 100, amount=(frame["amount"] / 1000).round(3)
            )
            yield named[list(QUOTES)], named[list(FACTORS)]

    def arrow(self) -> Iterator[pa.RecordBatch]:
        """The same with the right types, a batch a frame."""
        for frame in self.frames():
            frame["session"] = pd.to_datetime(frame["session"], format="%Y%m%d")
            yield from pa.Table.from_pandas(frame, schema=SCHEMA, preserve_index=False).combine_chunks().to_batches()


class Frames:
    """A provider that sends frames."""

    name = "frames"

    def __init__(self, frames: Iterable[pd.DataFrame]) -> None:
        self._frames = frames

    def batches(self, symbols: Sequence[str] | None, start: date | None, end: date | None) -> Iterator[Batch]:
        """All of them."""
        for frame in self._frames:
            yield Batch("frame", frame)

    def size(self, symbols: Sequence[str] | None) -> int | None:
        """Unknown."""
        return None


def bare(table: Path, batches: pa.RecordBatchReader) -> None:
    write_deltalake(table, batches)


def appends(table: Path, batches: pa.RecordBatchReader) -> None:
    for batch in batches:
        write_deltalake(table, pa.Table.from_batches([batch]), mode="append")


def timed_ours(folder: Path, frames: Iterable[pd.DataFrame]) -> float:
    """Seconds to write frames that are there."""
    began = time.perf_counter()
    report = ingest(Frames(frames), PriceStore(folder), now=NOW)
    seconds = time.perf_counter() - began
    assert report.quarantined_rows == 0
    return seconds


def timed_bare(write: Callable[[Path, pa.RecordBatchReader], None], folder: Path, batches: Path) -> float:
    """Seconds to write the batches in a file. They are there before, as deltalake would write on while one is made."""
    with pa.memory_map(str(batches)) as source:
        reader = pa.ipc.open_stream(source)
        began = time.perf_counter()
        write(folder, reader)
        return time.perf_counter() - began


def alone() -> ProcessPoolExecutor:
    """A new process, which inherits nothing."""
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))


def apart(symbols: int, sessions: int) -> float:
    """Peak memory [MB] of `ingest()`. Run it in a new process: a peak is never taken back."""
    with tempfile.TemporaryDirectory() as folder:
        ingest(Frames(Market(symbols, sessions).frames()), PriceStore(Path(folder, "store")), now=NOW)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def measure_ingest(symbols: int, sessions: int) -> list[dict[str, float]]:
    """For a quarter of the sessions and for all of them: rows, megabytes."""
    found = []
    for some in (sessions // 4, sessions):
        # Before this process grows: Linux counts what a parent had to its child's peak.
        with alone() as process:
            found.append({"rows": symbols * some, "megabytes": process.submit(apart, symbols, some).result()})
    return found


def measure_writes(folder: Path, symbols: int, sessions: int) -> dict[str, float]:
    """Name -> seconds. The rows that `ours` wrote stay in the folder `ours`."""
    batches = folder / "market.arrow"
    with pa.ipc.new_stream(batches, SCHEMA) as file:
        for batch in Market(symbols, sessions).arrow():
            file.write_batch(batch)
    frames = list(Market(symbols, sessions).frames())
    answers = list(Market(symbols, sessions).answers())
    turns: list[tuple[str, Path, Callable[[Path], float]]] = [
        (BARE, Path(), lambda into: timed_bare(bare, into, batches)),
        (OURS, Path("bars"), lambda into: timed_ours(into, frames)),
        (APPENDS, Path(), lambda into: timed_bare(appends, into, batches)),
        (TUSHARE, Path("bars"), lambda into: timed_ours(into, (bars_table(*answer) for answer in answers))),
        (BARE, Path(), lambda into: timed_bare(bare, into, batches)),
    ]
    seconds: dict[str, list[float]] = {}
    for name, table, write in turns:
        with tempfile.TemporaryDirectory(dir=folder) as temporary:
            into = folder / "ours" if name == OURS else Path(temporary, "table")
            seconds.setdefault(name, []).append(write(into))
            rows = DeltaTable(into / table).count()
        assert rows == symbols * sessions, f"{name}: {rows} rows"
    batches.unlink()
    return {name: statistics.mean(several) for name, several in seconds.items()}


def milliseconds(ask: Callable[[], Any]) -> float:
    began = time.perf_counter()
    ask()
    return (time.perf_counter() - began) * 1e3


def measure_reads(uri: str, symbols: Sequence[str]) -> dict[str, list[float]]:
    """Name -> milliseconds for one symbol's last 60 sessions, each of `symbols` once; the first warms up.

    Run it in a new process: readers are not those who loaded twelve million bars.
    """
    store = PriceStore(uri)
    bars = f"{store.uri}/bars"

    def filtered(symbol: str) -> pa.Table:
        table = DeltaTable(bars).to_pyarrow_dataset().to_table(filter=pc.field("symbol") == symbol)
        return table.sort_by("session")[-60:]

    def read_all(symbol: str) -> pd.DataFrame:
        table = DeltaTable(bars).to_pandas()
        return table[table["symbol"] == symbol].sort_values("session").tail(60)

    for symbol in symbols[:3]:
        tail = store.tail(symbol, 60).frame["close"].to_numpy()
        assert np.array_equal(tail, filtered(symbol)["close"].to_numpy()), f"{symbol}: the answers differ"
    asked: dict[str, tuple[Callable[[str], Any], int]] = {
        TAIL: (lambda symbol: store.tail(symbol, 60), len(symbols)),
        "DeltaTable.to_pyarrow_dataset(), filtered by symbol": (filtered, 10),
        "DeltaTable.to_pandas(), and then the symbol": (read_all, 2),
    }
    return {
        name: [milliseconds(partial(ask, symbol)) for symbol in symbols[:count]][1:]
        for name, (ask, count) in asked.items()
    }


def measure_days(store: PriceStore, symbols: int, sessions: int, count: int = 5) -> dict[str, float]:
    """Milliseconds to add a session of all symbols, and to be told the same again: the medians of some days."""
    first: list[float] = []
    again: list[float] = []
    for day in Market(symbols, sessions + count).frames(start=sessions, each=1):
        for times, inserted in ((first, symbols), (again, 0)):

            def add(day: pd.DataFrame = day, inserted: int = inserted) -> None:
                with store.writing():
                    done = store.upsert(validate(day, source="market", known_through=NOW.date()).bars)
                assert done.inserted == inserted, f"{done.inserted} inserted"

            times.append(milliseconds(add))
    return {"new": statistics.median(first), "the same again": statistics.median(again)}


def measure(symbols: int, sessions: int) -> dict[str, Any]:
    rows = symbols * sessions
    memory = measure_ingest(symbols, sessions)
    with tempfile.TemporaryDirectory() as folder:
        seconds = measure_writes(Path(folder), symbols, sessions)
        store = PriceStore(Path(folder, "ours"))
        compaction = milliseconds(lambda: compact(store)) / 1e3
        chosen = Market(symbols, 0).symbols.iloc[np.linspace(0, symbols - 1, 51).astype(int)].tolist()
        with alone() as process:
            reads = process.submit(measure_reads, store.uri, chosen).result()
        days = measure_days(store, symbols, sessions)
    return {
        "rows": rows,
        "bars_a_second": {name: rows / value for name, value in seconds.items()},
        "ratio_to_bare": {name: seconds[BARE] / value for name, value in seconds.items()},
        "compaction_seconds": compaction,
        "ingest_memory": memory,
        "last_60_sessions_ms": {
            name: {"median": statistics.median(times), "worst": max(times)} for name, times in reads.items()
        },
        "one_session_ms": days,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--symbols", type=int, default=5000)
    parser.add_argument("--sessions", type=int, default=2400)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not (options.symbols >= 51 and 4 <= options.sessions <= len(DAYS) - 5):
        parser.error(f"expected at least 51 symbols, and 4 to {len(DAYS) - 5} sessions")
    found = measure(options.symbols, options.sessions)
    if options.json:
        print(json.dumps(found, indent=2))
        return
    frame = options.symbols * SESSIONS_A_FRAME
    print(f"{found['rows']:,} bars, {options.symbols:,} symbols x {options.sessions:,} sessions, frames of {frame:,}")
    for name, speed in found["bars_a_second"].items():
        print(f"  {name:65} {speed / 1e6:6.2f} million bars/s {found['ratio_to_bare'][name]:6.2f} x")
    print(f"  compaction afterwards takes {found['compaction_seconds']:.1f} s")
    print("peak memory of ingest(), in a process of its own")
    for one in found["ingest_memory"]:
        print(f"  {one['rows']:>12,} bars {one['megabytes']:8,.0f} MB")
    print("one symbol's last 60 sessions, after compaction")
    ours_ms = found["last_60_sessions_ms"][TAIL]["median"]
    for name, times in found["last_60_sessions_ms"].items():
        print(
            f"  {name:52} {times['median']:9.1f} ms, worst {times['worst']:9.1f} ms {times['median'] / ours_ms:7.1f} x"
        )
    print(f"one more session of {options.symbols:,} symbols")
    for name, value in found["one_session_ms"].items():
        print(f"  {name:52} {value:9.1f} ms")


if __name__ == "__main__":
    main()

"""A writer that dies in the middle of its work leaves whole versions and nothing else."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from data.store import PriceStore
from tests.data.tables import checked, closes

SYMBOLS = ("AAPL", "IBM", "MSFT")
SESSIONS = 60
KILLS = 6

# Each version holds one close in all of its rows: a version that mixes two is half a write.
WRITER = f"""
import itertools, sys
import pandas as pd
from data.store import PriceStore
from tests.data.tables import checked, closes

store = PriceStore(sys.argv[1])
for value in itertools.count(int(sys.argv[2])):
    pieces = [closes([float(value)] * {SESSIONS}, symbol=symbol) for symbol in {SYMBOLS}]
    done = store.upsert(checked(pd.concat(pieces, ignore_index=True)))
    print(value, done.version, flush=True)
"""


def wait_for_a_new_file(folder: Path) -> None:
    before, until = len(list(folder.glob("*.parquet"))), time.monotonic() + 20
    while len(list(folder.glob("*.parquet"))) == before:
        assert time.monotonic() < until, "the writer writes nothing"


def test_a_killed_writer_leaves_whole_versions(tmp_path: Path) -> None:
    chance = random.Random(7)
    store = PriceStore(tmp_path / "prices")
    committed = 0
    for kill in range(KILLS):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, store.uri, str(committed + 1)],
            cwd=Path(__file__).parents[2],
            stdout=subprocess.PIPE,
            text=True,
        ) as writer:
            assert writer.stdout is not None
            for _ in range(2):
                committed, version = map(int, writer.stdout.readline().split())
            if kill % 2:
                # Its data lies there, and the commit that makes it count is being written.
                wait_for_a_new_file(tmp_path / "prices" / "bars")
            else:
                # Anywhere: the writer does nothing but upserts of some tens of milliseconds each.
                time.sleep(chance.uniform(0, 0.15))
            writer.send_signal(signal.SIGKILL)
            for line in writer.stdout:
                committed, version = map(int, line.split())
        assert writer.returncode == -signal.SIGKILL

        newest = store.version()
        assert newest is not None
        # What was reported is there; the write that was killed may or may not have been committed.
        assert newest in (version, version + 1)
        committed += newest - version
        assert set(store.read().frame["close"]) == {float(committed)}

    newest = store.version()
    assert newest is not None
    assert newest >= 2 * KILLS - 1
    seen = []
    for number in range(newest + 1):
        frame = store.read(version=number).frame
        assert len(frame) == len(SYMBOLS) * SESSIONS
        assert frame["close"].nunique() == 1
        seen.append(frame["close"].iloc[0])
    assert np.all(np.diff(seen) == 1)
    # And the table can be written on.
    assert store.upsert(checked(closes([0.5], symbol="NEW"))).inserted == 1

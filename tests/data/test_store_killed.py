"""A writer that dies in the middle of its work leaves whole versions and nothing else."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from deltalake import DeltaTable

from data.bars import Bars
from data.store import PriceStore
from data.upkeep import clean, compact
from tests.data.tables import checked, closes

SYMBOLS = ("AAPL", "IBM", "MSFT")
SESSIONS = 60
KILLS = 4

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


def parts(folder: Path) -> int:
    """Data files, finished or not."""
    return len(list(folder.rglob("part-*")))


def wait_for_a_new_file(folder: Path) -> None:
    before, until = parts(folder), time.monotonic() + 20
    while parts(folder) <= before:
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


# What the writer below does over and over. Only the first two change what the store holds.
ACTS = ("append", "merge", "compact", "clean")
ROUNDS = 3

UPKEEP = """
import itertools, sys
from datetime import timedelta
from data.store import PriceStore
from data.upkeep import clean, compact
from tests.data.test_store_killed import ACTS, new_bars, state

store = PriceStore(sys.argv[1])
for step in itertools.count(int(sys.argv[2])):
    for act in ACTS:
        print(act, step, flush=True)
        if act == "append":
            store.upsert(new_bars(step))
        elif act == "merge":
            store.upsert(state(step, True))
        elif act == "compact":
            compact(store)
        else:
            clean(store, keep=timedelta(0), keep_versions=[0])
"""


def new_bars(step: int) -> Bars:
    """What a step appends: a symbol of its own, over the end of a year."""
    return checked(closes([step + 1.0] * SESSIONS, symbol=f"S{step}", first="2023-12-01"))


def state(step: int, merged: bool) -> Bars:
    """All that is held after a step's append, or after its merge, which makes every close the new symbol's."""
    values = [step + 1.0 if merged or one == step else float(step) for one in range(step + 1)]
    pieces = [closes([value] * SESSIONS, symbol=f"S{one}", first="2023-12-01") for one, value in enumerate(values)]
    return checked(pd.concat(pieces, ignore_index=True))


def kill_in(act: str, store: PriceStore, step: int, after: float) -> tuple[str, int]:
    """Run the writer from `step` on, kill it so many seconds into its second `act`; what it was doing then."""
    with subprocess.Popen(
        [sys.executable, "-c", UPKEEP, store.uri, str(step)],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        assert writer.stdout is not None
        for line in writer.stdout:
            if line == f"{act} {step + 1}\n":
                break
        time.sleep(after)
        writer.send_signal(signal.SIGKILL)
        doing, at = (writer.stdout.readlines() or [line])[-1].split()
    assert writer.returncode == -signal.SIGKILL
    return doing, int(at)


def test_a_kill_in_any_act_leaves_the_state_before_or_after_it(tmp_path: Path) -> None:
    chance = random.Random(11)
    store, step = PriceStore(tmp_path / "prices"), 0
    first = None
    for number, act in enumerate(ACTS * ROUNDS):
        # Early, in the middle and late: one takes some tens of milliseconds.
        doing, at = kill_in(act, store, step, chance.uniform(0, 0.02) + 0.02 * (number // len(ACTS)))
        possible = {
            "append": [*([state(at - 1, True)] if at else []), state(at, False)],
            "merge": [state(at, False), state(at, True)],
        }.get(doing, [state(at, True)])
        found = store.read().frame
        assert any(found.equals(one.frame) for one in possible), f"half of {doing} {at}"
        # The version that was to be kept is whole, too.
        first = first or store.read(version=0)
        assert store.read(version=0).frame.equals(first.frame)
        # And the next writer goes on where it stopped, whatever lies about.
        store.upsert(state(at, True))
        step = at + 1
    compact(store)
    clean(store, keep=timedelta(0), keep_versions=[0])
    assert store.read().frame.equals(state(step - 1, True).frame)
    held = DeltaTable(f"{store.uri}/bars").file_uris() + DeltaTable(f"{store.uri}/bars", version=0).file_uris()
    assert parts(tmp_path / "prices" / "bars") == len(set(held))

"""Runs of baselines: what is kept, what is done again, what is told."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from data.errors import EmptyStore
from data.store import PriceStore
from forecaster.backtest.contestant import Network
from forecaster.backtest.errors import BacktestBusy, NothingToCompare
from forecaster.backtest.folds import Plan, Span
from forecaster.backtest.run import Backtest, run_backtest
from forecaster.backtest.task import Task, longest_first
from forecaster.backtest.work import TRIES, Progress
from forecaster.baselines.ets import Ets
from forecaster.baselines.ewma import Ewma
from forecaster.baselines.garch import Garch
from forecaster.baselines.naive import Naive
from forecaster.baselines.protocol import LEVELS, Forecaster
from forecaster.spec import ModelSpec, TrainSpec
from tests.forecaster.backtest.contestants import Broken, Deadly, Slow

NOW = datetime(2026, 11, 20, tzinfo=UTC)
PLAN = Plan(every=20, folds=3)
CONTEST: list[Forecaster] = [Naive(), Ewma(), Slow()]


def run(prices: PriceStore, folder: Path, contest: list[Forecaster], **options: Any) -> Backtest:
    return run_backtest(prices, contest, PLAN, LEVELS, now=NOW, home=folder, folder=folder, **{"jobs": 1, **options})


@pytest.fixture(scope="module")
def undisturbed(prices: PriceStore, tmp_path_factory: pytest.TempPathFactory) -> Backtest:
    return run(prices, tmp_path_factory.mktemp("undisturbed"), CONTEST)


def made_at(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in sorted((folder / "tasks").glob("*.parquet"))}


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_table_of_what_all_forecast(undisturbed: Backtest) -> None:
    table = undisturbed.table
    assert undisturbed.complete
    # Sixty sessions of six symbols; all have more than 60 returns before them.
    assert table.groupby("model", sort=False).size().to_dict() == {"naive": 360, "ewma": 360, "slow": 360}
    assert (table["session"] > table["origin"]).all()
    written = pd.read_parquet(undisturbed.folder / "forecasts.parquet")
    days = dict.fromkeys(("origin", "session"), "datetime64[s]")  # Parquet has milliseconds at the coarsest
    pd.testing.assert_frame_equal(written.astype(days), table, check_exact=True)
    facts = json.loads((undisturbed.folder / "backtest.json").read_text())
    assert facts == undisturbed.facts
    assert facts["data"]["version"] == 0
    assert facts["origins"] == {"asked": 360, "common": 360}
    assert [one["missing"] for one in facts["contestants"]] == [0, 0, 0]
    assert [(fold["refit"], fold["first"]) for fold in facts["folds"]] == [
        ("2021-04-23", "2021-04-23"),
        ("2021-05-21", "2021-05-21"),
        ("2021-06-18", "2021-06-18"),
    ]


def test_what_is_kept_is_not_done_again_until_its_inputs_change(
    prices: PriceStore, undisturbed: Backtest, tmp_path: Path
) -> None:
    first = made_at(undisturbed.folder)
    again = run(prices, undisturbed.folder, CONTEST)
    assert made_at(undisturbed.folder) == first
    pd.testing.assert_frame_equal(again.table, undisturbed.table, check_exact=True)
    # Another symbol less is another world for all of them.
    fewer = run(prices, undisturbed.folder, [Naive()], symbols=["S0", "S1"])
    changed = made_at(undisturbed.folder)
    assert [name for name in first if changed[name] != first[name]] == [f"naive-fold-{k}.parquet" for k in (1, 2, 3)]
    assert len(fewer.table) == 120
    run(prices, undisturbed.folder, CONTEST)
    fresh = run(prices, undisturbed.folder, CONTEST, fresh=True)
    assert not set(made_at(undisturbed.folder).values()) & {*first.values(), *changed.values()}
    pd.testing.assert_frame_equal(fresh.table, undisturbed.table, check_exact=True)


def test_a_contestant_that_fails_in_a_fold_is_left_out_and_tried_again(prices: PriceStore, tmp_path: Path) -> None:
    made = run(prices, tmp_path, [Naive(), Broken()])
    assert not made.complete
    assert set(made.table["model"]) == {"naive"}
    (label,) = made.facts["failed"]
    assert label == "broken, fold 2 of 3"
    assert made.facts["failed"][label].startswith("ArithmeticError: cannot be divided (fit_predict, line ")
    kept = made_at(tmp_path)
    assert [name for name in kept if name.startswith("broken")] == ["broken-fold-1.parquet", "broken-fold-3.parquet"]
    with pytest.raises(NothingToCompare, match="broken, fold 2 of 3 failed: ArithmeticError"):
        run(prices, tmp_path, [Broken()])


def test_a_process_that_is_killed_loses_nothing(prices: PriceStore, undisturbed: Backtest, tmp_path: Path) -> None:
    """SIGKILL from outside, while it works."""
    killed: list[int] = []

    def kill_once(now: Progress) -> None:
        found = re.search(r"process (\d+)", " ".join(now.running))
        if found and not killed:
            killed.append(int(found[1]))
            os.kill(killed[0], signal.SIGKILL)

    slow = Slow(seconds=2.0)
    made = run(prices, tmp_path, [Naive(), Ewma(), slow], jobs=2, progress=kill_once)
    assert killed
    assert killed[0] != os.getpid()
    assert made.complete
    pd.testing.assert_frame_equal(made.table, undisturbed.table, check_exact=True)


def test_a_task_that_ends_its_process_every_time_is_given_up_and_the_others_go_on(
    prices: PriceStore, tmp_path: Path
) -> None:
    tries, once = tmp_path / "tries", tmp_path / "once"
    tries.mkdir()
    once.mkdir()
    deadly = Deadly(tries, times=100)
    made = run(prices, tmp_path / "out", [Naive(), deadly, Deadly(once, times=1, name="unlucky")], jobs=2)
    assert set(made.table["model"]) == {"naive", "unlucky"}
    (why,) = made.facts["failed"].values()
    assert why.startswith(f"it was broken off {TRIES} times: ")
    assert len(list(tries.iterdir())) == TRIES


def test_a_command_that_is_killed_goes_on_where_it_was(
    prices: PriceStore, undisturbed: Backtest, tmp_path: Path
) -> None:
    program = (
        "import sys; from pathlib import Path; from data.store import PriceStore;"
        "from tests.forecaster.backtest.test_run import CONTEST, Slow, run;"
        "run(PriceStore(sys.argv[1]), Path(sys.argv[2]), [*CONTEST[:2], Slow(seconds=30.0)], jobs=2)"
    )
    with subprocess.Popen([sys.executable, "-c", program, prices.uri, str(tmp_path)]) as process:
        try:
            until = time.monotonic() + 60
            while len(made_at(tmp_path)) < 8 and time.monotonic() < until and process.poll() is None:
                time.sleep(0.05)
        finally:
            process.send_signal(signal.SIGKILL)
    # Its processes go with it, whatever they are at.
    worker = int((tmp_path / "tasks" / "slow-fold-3.started").read_text().removeprefix("process "))
    until = time.monotonic() + 20
    while alive(worker) and time.monotonic() < until:
        time.sleep(0.1)
    assert not alive(worker)
    before = made_at(tmp_path)
    assert len(before) == 8  # all but the slow one's last fold
    made = run(prices, tmp_path, CONTEST)
    after = made_at(tmp_path)
    assert {name: after[name] for name in before} == before
    pd.testing.assert_frame_equal(made.table, undisturbed.table, check_exact=True)


def test_two_at_once_do_not_write_to_one_folder(prices: PriceStore, tmp_path: Path) -> None:
    def second(now: Progress) -> None:
        with pytest.raises(BacktestBusy, match="another --out"):
            run(prices, tmp_path, [Naive()])

    run(prices, tmp_path, [Naive()], progress=second)


def test_an_empty_store_says_so(tmp_path: Path) -> None:
    with pytest.raises(EmptyStore):
        run(PriceStore(tmp_path / "prices"), tmp_path, [Naive()])


def test_what_takes_longest_is_begun_first(prices: PriceStore) -> None:
    span = Span(1, 1, None, *(np.datetime64(day) for day in ("2021-04-23", "2021-04-23", "2021-05-20")))
    network = Network("a network", ModelSpec(units=(4,)), TrainSpec(epochs=1))
    tasks = [Task(one, span, 7, LEVELS, "prices", 2000) for one in (Naive(), Ets(), network, Garch())]
    ordered = longest_first(tasks)
    assert [task.contestant.name for task in ordered] == ["a network", "ets", "garch", "naive"]
    assert [task.name for task in ordered[:2]] == ["a_network-seed-7-fold-1", "ets-fold-1"]
    assert ordered[0].label == "a network (seed 7), fold 1 of 1"

"""`forecaster retrain` by the machine's own clock, on walks that end with the session whose bars are due now."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from data.bars import Bars
from data.sessions import Calendars
from data.store import PriceStore
from forecaster.cli.retrain import retrain
from forecaster.ledger.table import Ledger
from forecaster.pipeline.folder import Passes
from forecaster.pipeline.order import STEPS
from tests.data.tables import checked

SYMBOLS = ("AAPL", "IBM")
SESSIONS = 120

Run = Callable[..., Result]


def walks(now: datetime) -> Bars:
    """Random walks of `SYMBOLS` that end with the session that was due last."""
    sessions = Calendars().exchange("XNYS")
    days = sessions.days[sessions.days <= np.datetime64(sessions.last_due(now))][-SESSIONS:]
    source, parts = np.random.default_rng(7), []
    for symbol in SYMBOLS:
        close = 100 * np.exp(np.cumsum(source.normal(0, 0.01, SESSIONS)))
        prices = {"open": close, "high": close * 1.01, "low": close * 0.99, "close": close}
        facts = {"volume": 1e6, "amount": np.nan, "adj_factor": 1.0}
        parts.append(pd.DataFrame({"symbol": symbol, "session": days.astype(str), **prices, **facts}))
    return checked(pd.concat(parts, ignore_index=True))


@pytest.fixture
def environment(copied_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Of a home with a champion of the sample, and walks as its prices; no challenger is due."""
    monkeypatch.chdir(tmp_path)
    PriceStore(tmp_path / "walks").upsert(walks(datetime.now(UTC)))
    return {
        "FORECASTER_HOME": str(copied_home),
        "FORECASTER_STORE": str(tmp_path / "walks"),
        "FORECASTER_RETRAIN__EVERY_SESSIONS": "100000",
        "FORECASTER_RETRAIN__MAX_AGE_SESSIONS": "100000",
        "FORECASTER_RETRAIN__ON_DRIFT": "false",
        "FORECASTER_RETRAIN__ON_ERROR": "false",
    }


@pytest.fixture
def run(environment: dict[str, str]) -> Run:
    def run(*arguments: str, **more: str) -> Result:
        return CliRunner().invoke(retrain, list(arguments), env={**environment, **more}, catch_exceptions=False)

    return run


def test_a_pass_survives_a_kill_and_a_step_that_takes_too_long(
    run: Run, environment: dict[str, str], copied_home: Path
) -> None:
    assert "has had no pass yet" in run("--list").stdout
    passes, ledger = Passes(copied_home, "next-close"), Ledger(copied_home / "ledger")
    with ledger.writing():
        # Nobody else can publish now, so that the step lasts.
        killed = subprocess.Popen(
            [sys.executable, "-m", "forecaster.cli.main", "retrain", "--json"],
            env={**os.environ, **environment},
            stdout=subprocess.DEVNULL,
        )
        until = time.monotonic() + 60
        while not (known := passes.keys() and passes.get(passes.keys()[0])) or known.step("publish").attempts == 0:
            assert killed.poll() is None
            assert time.monotonic() < until
            time.sleep(0.05)
        busy = run("--json")
        assert busy.exit_code == 1
        assert json.loads(busy.stdout)["error"]["type"] == "PassBusy"
        assert f"process {killed.pid}" in json.loads(busy.stdout)["error"]["message"]
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        # Its worker ends with it, and another takes over where it stood.
        late = run("--wait", "20", "--json", FORECASTER_RETRAIN__LIMITS__PUBLISH="1")
        assert late.exit_code == 1
        told = json.loads(late.stdout)
        states = {one["name"]: one["state"] for one in told["steps"]}
        # The command that was killed had come to the end of all steps before.
        skipped = dict.fromkeys(("fetch", "score", "train", "gate", "promote"), "skipped")
        assert states == {**dict.fromkeys(STEPS, "done"), **skipped, "publish": "timed_out"}
        assert {one["name"]: one["attempts"] for one in told["steps"]} == {**dict.fromkeys(STEPS, 1), "publish": 2}
        assert told["steps"][7]["evidence"] == {"limit_seconds": 1.0}
        assert "interrupted" not in run("--list").stdout
    shown = run()
    assert shown.exit_code == 0, shown.output
    assert f"the pass of {told['key']} is complete" in shown.stdout
    assert "published" in shown.stdout
    done = passes.get(told["key"])
    assert done is not None
    published = done.evidence("publish")
    # In the hours in which the exchange is open it is too late, and said to be.
    assert published["published"] + published["too_late"] == len(SYMBOLS)
    assert published["published"] == (0 if ledger.version() is None else len(ledger.read()))
    (listed,) = json.loads(run("--list", "--json").stdout)
    assert (listed["key"], listed["state"], listed["interrupted"]) == (told["key"], "done", False)


def test_settings_that_cannot_be_are_wrong_usage(run: Run) -> None:
    wrong = run(FORECASTER_RETRAIN__PROVIDER="files")
    assert wrong.exit_code == 2
    assert "expected a path beside provider" in wrong.output
    assert run("--until", "lunch").exit_code == 2

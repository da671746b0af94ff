"""A publisher that dies in the middle of its work has published all of a call's forecasts or none."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from forecaster.ledger.publishing import publish
from forecaster.ledger.table import Ledger
from tests.forecaster.ledger.publishers import CALENDARS, SESSIONS, evening, flat, forecast, made_by

SYMBOLS = ("AAPL", "IBM", "MSFT")
KILLS = 4

PUBLISHER = """
import sys
from tests.forecaster.ledger.test_publishing_killed import SESSIONS, Ledger, publish_day

ledger = Ledger(sys.argv[1])
for at in range(int(sys.argv[2]), len(SESSIONS)):
    print(at, publish_day(ledger, at), flush=True)
"""


def publish_day(ledger: Ledger, at: int) -> int:
    """All symbols' forecasts, each of two sessions; how many are new."""
    day = SESSIONS[at]
    forecasts = [forecast(symbol, day, horizon=2, change=at / 1e4) for symbol in SYMBOLS]
    return publish(forecasts, ledger, made_by(), flat(*SYMBOLS, days=[day]), CALENDARS, evening(day)).published


def test_a_kill_leaves_all_of_a_call_or_nothing(tmp_path: Path) -> None:
    chance, ledger, begun = random.Random(3), Ledger(tmp_path / "ledger"), 0
    for _ in range(KILLS):
        with subprocess.Popen(
            [sys.executable, "-c", PUBLISHER, ledger.uri, str(begun)],
            cwd=Path(__file__).parents[3],
            stdout=subprocess.PIPE,
            text=True,
        ) as publisher:
            assert publisher.stdout is not None
            at, new = map(int, publisher.stdout.readline().split())
            # The killed call is made again first: it adds all of its rows, or finds them.
            assert new in (0, 2 * len(SYMBOLS))
            time.sleep(chance.uniform(0, 0.3))
            publisher.send_signal(signal.SIGKILL)
            for line in publisher.stdout:
                at, new = map(int, line.split())
                assert new == 2 * len(SYMBOLS)
        assert publisher.returncode == -signal.SIGKILL
        held = ledger.read()
        calls = held.groupby("as_of").size()
        assert set(calls) == {2 * len(SYMBOLS)}
        # Every call that was reported counts, and at most the one that was killed beside them.
        assert len(calls) in (at + 1, at + 2)
        assert (held["0.5"] == [100 * (1 + SESSIONS.index(day.date()) / 1e4) for day in held["as_of"]]).all()
        begun = at + 1

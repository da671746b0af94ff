"""A home with a made-up market and a champion, to be served."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from data.bars import COLUMNS, Bars
from data.sessions import Calendars
from data.store import PriceStore
from forecaster.version import CHAMPION

_SLICE: Final = 500
_TRAINED: Final = 300

# How well they forecast is not what is measured, so that the gate is not asked.
WHY: Final = "a benchmark"
FORCED: Final = ("--force", "--why", WHY)


def symbols_of(count: int) -> list[str]:
    """Names of shares of Shanghai."""
    return [f"{600_000 + number:06d}.SH" for number in range(count)]


def make_prices(home: Path, symbols: int, sessions: int, *, held_back: int = 0, momentum: float = 0.0) -> None:
    """Random walks with a market of their own, up to the newest session whose bars are due.

    Args:
        home: where to.
        symbols: how many.
        sessions: bars of each.
        held_back: sessions of the calendar's past that are left to come.
        momentum: how much of a return comes again at the next session: something to be learnt.
    """
    store, random = PriceStore(home / "prices"), np.random.default_rng(11)
    known = Calendars(None).exchange("XSHG")
    newest = np.datetime64(known.last_due(datetime.now(UTC)), "D")
    days = known.days[known.days <= newest]
    days = days[len(days) - held_back - sessions : len(days) - held_back].astype("datetime64[s]")
    market = random.normal(0.0, 0.008, (sessions, 1))
    names = symbols_of(symbols)
    for first in range(0, symbols, _SLICE):
        own = names[first : first + _SLICE]
        returns = market + 0.018 * random.standard_t(5, (sessions, len(own)))
        for day in range(1, sessions):
            returns[day] += momentum * returns[day - 1]
        close = np.round(20.0 * np.exp(np.cumsum(returns, axis=0)), 2).clip(0.5)
        opened = np.round(np.vstack([close[:1], close[:-1]]) * np.exp(random.normal(0.0, 0.004, close.shape)), 2)
        volume = random.lognormal(14.0, 0.5, close.shape)
        table = pd.DataFrame(
            {
                "symbol": pd.Series(np.repeat(own, sessions), dtype="str"),
                "session": np.tile(days, len(own)),
                "open": opened.T.ravel(),
                "high": (np.maximum(close, opened) * 1.01).T.ravel(),
                "low": (np.minimum(close, opened) * 0.99).T.ravel(),
                "close": close.T.ravel(),
                "volume": volume.T.ravel(),
                "amount": (volume * close).T.ravel(),
                "adj_factor": 1.0,
            }
        )
        store.upsert(Bars(table[list(COLUMNS)]))


def make_model(home: Path, symbols: int, *, all_judged: bool, seed: int = 0) -> None:
    """A champion of the default shape after one epoch: how well it forecasts is not what is measured.

    Args:
        home: with prices.
        symbols: how many there are.
        all_judged: whether all of them have diagnostics, which takes some minutes for thousands; else 300 have.
        seed: of the training.
    """
    few = [] if all_judged else symbols_of(symbols)[:: max(1, symbols // _TRAINED)]
    settings = ["--set", "validation=40", "--set", "test=60"]
    trained = json.loads(_forecaster(home, "train", *few, "--epochs", "1", "--seed", str(seed), *settings, "--json"))
    if trained["alias"] != CHAMPION:
        _forecaster(home, "models", "promote", trained["version"], *FORCED)


def _forecaster(home: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "forecaster.cli.main", *arguments]
    done = subprocess.run(command, env=environment(home), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"forecaster {arguments[0]} failed:\n{(done.stderr or done.stdout)[-2000:]}")
    return done.stdout


def environment(home: Path) -> dict[str, str]:
    """Of a command that works in `home` alone, whatever the caller's environment says."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FORECASTER_", "MLFLOW_"))}
    return kept | {"FORECASTER_HOME": str(home), "FORECASTER_OPEN_READ": "true", "MLFLOW_DISABLE_TELEMETRY": "true"}

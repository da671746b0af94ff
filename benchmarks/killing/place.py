"""The home that is killed in, the vendor of its prices, and a command's environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Final

import pandas as pd

from tests.tushare_server.market import Market, random_market
from tests.tushare_server.server import TushareServer

ROOT: Final = Path(__file__).parents[2]
NAME: Final = "next-close"

_TOKEN: Final = "a-token-of-nobody-0123456789"
_FIRST, _LAST = date(2022, 1, 4), date(2024, 12, 31)
_SYMBOLS: Final = 12
BEFORE: Final = 220

_SPEC: Final = """[model]
units = [3]
lookback = 4
[train]
epochs = 3
validation = 20
test = 30
"""

# Shanghai has closed, and its bars are due.
_EVENING: Final = time(12, 0, tzinfo=UTC)

# A network of three units shows little; whether it is promoted is not what is asked here.
_SETTINGS: Final = {
    "GATE__SESSIONS": "2",
    "GATE__SIGNIFICANCE": "0.45",
    "GATE__EFFECT": "0",
    "GATE__NAIVE_MARGIN": "0.9",
    "GATE__COVERAGE": "0.9",
    "RETRAIN__PROVIDER": "tushare",
    "RETRAIN__EVERY_SESSIONS": "10000",
    "RETRAIN__MAX_AGE_SESSIONS": "10000",
    "RETRAIN__ON_DRIFT": "false",
    "RETRAIN__ON_ERROR": "false",
    "TUSHARE_CALLS_PER_MINUTE": "1000000",
}


@dataclass(slots=True)
class Place:
    """Where it happens.

    Attributes:
        home: that the commands work in.
        temp: their folder for temporary files.
        market, server: what the vendor has, and the vendor.
        sessions: of the market.
        truth: the bars that a client should store.
        at: the newest session that the vendor shows, by its number.
    """

    home: Path
    temp: Path
    market: Market
    server: TushareServer
    sessions: tuple[date, ...]
    truth: pd.DataFrame
    at: int = BEFORE

    @classmethod
    def made(cls, folder: Path, seed: int) -> Place:
        """An empty home under a folder, and a vendor that has not started yet."""
        home, temp = folder / "home", folder / "temp"
        for one in (home, temp):
            one.mkdir()
        (home / "spec.toml").write_text(_SPEC, encoding="utf-8")
        market = random_market(
            symbols=_SYMBOLS,
            first=_FIRST,
            last=_LAST,
            seed=seed,
            suspended_share=0,
            late_listings=0,
            delisted=0,
            indices=(),
        )
        place = cls(home, temp, market, TushareServer(market, token=_TOKEN), market.sessions, market.expected_bars())
        place.show(BEFORE)
        return place

    def show(self, at: int) -> None:
        """Let the vendor have the bars up to a session."""
        if at >= len(self.sessions) - 1:
            raise SystemExit("the market has no more sessions: ask for fewer kills")
        self.at, self.server.today = at, self.sessions[at]

    @property
    def database(self) -> Path:
        """Of the registry."""
        return self.home / "registry" / "mlflow.db"

    def command(self, *arguments: str) -> list[str]:
        """The program with arguments."""
        return [sys.executable, "-m", "forecaster.cli.main", *arguments]

    def environment(self, now: datetime | None = None) -> Mapping[str, str]:
        """Of a command that works in the home alone.

        Args:
            now: what its clock shows; None for the evening of the newest session.
        """
        ours = ("FORECASTER_", "MLFLOW_", "TUSHARE_", "KILLS_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        moment = now or datetime.combine(self.sessions[self.at], _EVENING)
        return {
            **kept,
            **{f"FORECASTER_{name}": value for name, value in _SETTINGS.items()},
            "FORECASTER_HOME": str(self.home),
            "FORECASTER_RETRAIN__SPEC": str(self.home / "spec.toml"),
            "FORECASTER_TUSHARE_URL": self.server.url,
            "KILLS_NOW": moment.isoformat(),
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "PYTHONPATH": f"{Path(__file__).parent / 'clocked'}{os.pathsep}{ROOT}",
            "TMPDIR": str(self.temp),
            "TUSHARE_TOKEN": _TOKEN,
        }

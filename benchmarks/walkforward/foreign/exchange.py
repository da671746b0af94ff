"""What a script in an interpreter of its own gets from the benchmark, and gives back: files in one folder.

`bars.parquet`      symbol, session, open, high, low, close (backward-adjusted), volume: all that may be seen
`origins.parquet`   symbol, origin: what is to be forecast
`request.json`      refit (the session to fit at), levels, seed, settings
`quantiles.parquet` the answer: symbol, origin, and a column a level, prices
`notes.json`        the answer's counts
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

# The exit status that says: a package is missing.
MISSING = 3


@dataclass(frozen=True)
class Request:
    """What is asked; see the module."""

    folder: Path
    bars: pd.DataFrame
    origins: pd.DataFrame
    refit: pd.Timestamp
    levels: list[float]
    seed: int
    settings: dict[str, Any]

    def symbols(self) -> list[tuple[str, pd.DataFrame, np.ndarray[Any, np.dtype[np.int64]], int]]:
        """Each symbol with origins: name, bars in session order, places of the origins, how many bars are known."""
        asked = {symbol: own["origin"] for symbol, own in self.origins.groupby("symbol")}
        found = []
        for symbol, own in self.bars.groupby("symbol"):
            if symbol in asked:
                at = own["session"].searchsorted(asked[symbol].to_numpy())
                known = int((own["session"] <= self.refit).sum())
                found.append((str(symbol), own.reset_index(drop=True), np.asarray(at), known))
        return found

    def answer(self, table: pd.DataFrame, notes: Mapping[str, int]) -> None:
        """Hand back the forecasts."""
        table.to_parquet(self.folder / "quantiles.parquet", index=False)
        (self.folder / "notes.json").write_text(json.dumps(dict(notes)), encoding="utf-8")


def request() -> Request:
    """The request in the folder that the script was started with."""
    folder = Path(sys.argv[1])
    facts = json.loads((folder / "request.json").read_text(encoding="utf-8"))
    return Request(
        folder,
        pd.read_parquet(folder / "bars.parquet"),
        pd.read_parquet(folder / "origins.parquet"),
        pd.Timestamp(facts["refit"]),
        facts["levels"],
        facts["seed"],
        facts["settings"],
    )


def say(text: str) -> None:
    """A line on how far it is."""
    print(f"PROGRESS {text}", file=sys.stderr, flush=True)


def missing(package: str) -> None:
    """Ends the script, saying which package this interpreter lacks."""
    print(f"MISSING {package}", file=sys.stderr, flush=True)
    raise SystemExit(MISSING)

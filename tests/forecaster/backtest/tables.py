"""Tables of forecasts to summarise: random walks, with models of a known kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
NORMAL = np.array([-1.6448536, -1.2815516, -0.6744898, 0.0, 0.6744898, 1.2815516, 1.6448536])
"""Standard normal quantiles at the levels."""


def columns() -> list[str]:
    return [f"{level:.12g}" for level in LEVELS]


def outcomes(symbols: int, sessions: int, *, ragged: bool = False) -> pd.DataFrame:
    """Closes that move by about 2 % a session, half of it together; ragged: some symbols lack sessions."""
    random = np.random.default_rng(5)
    together = random.normal(0.0, 0.014, sessions)
    days = pd.bdate_range("2024-01-01", periods=sessions + 1).astype("datetime64[s]")
    tables = []
    for number in range(symbols):
        r = together + random.normal(0.0, 0.014, sessions)
        close = 50.0 * (number + 1) * np.concatenate([[1.0], np.cumprod(1.0 + r)])
        own = pd.DataFrame(
            {
                "symbol": f"S{number}",
                "origin": days[:-1],
                "session": days[1:],
                "previous_close": close[:-1],
                "actual": close[1:],
            }
        )
        tables.append(own.drop(index=own.index[number :: 7 + number]) if ragged and number % 2 else own)
    return pd.concat(tables, ignore_index=True)


def forecasts(
    known: pd.DataFrame, models: Mapping[str, Callable[[Floats, np.random.Generator], Floats]], spread: float = 0.02
) -> pd.DataFrame:
    """A table of models: each turns the changes that came into the ones that it forecasts."""
    r = (known["actual"] / known["previous_close"] - 1.0).to_numpy()
    pieces = []
    for number, (name, model) in enumerate(models.items()):
        said = model(r, np.random.default_rng(100 + number))
        quantiles = known["previous_close"].to_numpy()[:, None] * (1.0 + said[:, None] + spread * NORMAL)
        # Without this, a median of no change is the last close but for rounding.
        quantiles[said == 0.0, 3] = known["previous_close"].to_numpy()[said == 0.0]
        pieces.append(known.assign(model=name, fold=1, **dict(zip(columns(), quantiles.T, strict=True))))
    return pd.concat(pieces, ignore_index=True)


def naive(r: Floats, random: np.random.Generator) -> Floats:
    return np.zeros(r.size)


def skilled(r: Floats, random: np.random.Generator) -> Floats:
    return 0.3 * r + random.normal(0.0, 0.004, r.size)


def noisy(r: Floats, random: np.random.Generator) -> Floats:
    return random.normal(0.0, 0.01, r.size)


def changes(table: pd.DataFrame, model: str) -> tuple[Floats, Floats, Floats]:
    """r `(n,)`, p `(n,)` and quantiles `(n, q)` of a model, in the order of the table."""
    own = table[table["model"] == model]
    last = own["previous_close"].to_numpy()
    q = own[columns()].to_numpy() / last[:, None] - 1.0
    return (own["actual"] / last - 1.0).to_numpy(), q[:, 3], q

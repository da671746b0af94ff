"""Random walks, as a panel that is built in place."""

from __future__ import annotations

import numpy as np

from data.features import minmax_columns
from data.windows import Panel


def random_panel(symbols: int, sessions: int, features: tuple[str, ...]) -> Panel:
    """Every value is a random walk: what features mean makes no difference to speed or memory."""
    rows = symbols * sessions
    random = np.random.default_rng(7)
    values = np.empty((rows, len(features)))
    close = np.empty(rows)
    for place in range(symbols):
        own = slice(place * sessions, (place + 1) * sessions)
        values[own] = np.cumsum(random.normal(0, 0.01, (sessions, len(features))), axis=0)
        close[own] = 50 * np.exp(np.cumsum(random.normal(0, 0.02, sessions)))
    days = np.datetime64("2000-01-03") + np.arange(sessions)
    return Panel(
        symbols=tuple(f"S{place:05}" for place in range(symbols)),
        minmax=minmax_columns(features),
        series=np.repeat(np.arange(symbols), sessions),
        session=np.tile(days, symbols),
        values=values,
        close=close,
        factor=np.ones(rows),
        volatility=np.full(rows, 0.02),
    )

"""AutoETS or AutoARIMA of statsforecast on the log close of each symbol.

The form and its parameters are chosen at the refit; each later forecast comes from `forward`, which takes the new
closes in and leaves the parameters alone. The package's own normal intervals give the quantiles.
"""

from __future__ import annotations

import os
import warnings
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
import pandas as pd

from . import exchange

# Fewer bars before an origin are no history.
LEAST = 60

Array = np.ndarray[Any, np.dtype[np.float64]]
Job = tuple[str, str, Array, list[int], int, list[float]]


def forecasts(job: Job) -> tuple[str, list[int], Array, str]:
    """One symbol: its name, the origins' places that got forecasts, their log quantiles, the form that was chosen."""
    from statsforecast.models import (  # type: ignore[import-not-found,import-untyped,unused-ignore]
        AutoARIMA,
        AutoETS,
        RandomWalkWithDrift,
    )

    symbol, kind, closes, places, known, levels = job
    at = [place for place in places if place >= LEAST]
    if not at:
        return symbol, [], np.empty((0, len(levels))), "too short a history"
    # Listed after the refit: the first closes, which come before any of its forecasts.
    start = closes[: max(known, LEAST)]
    form = "fits"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model: Any = (AutoETS if kind == "ets" else AutoARIMA)(season_length=1)
        try:
            model.fit(start)
            made = [quantiles(model, closes[: place + 1], levels) for place in at]
        except Exception as error:  # the package raises whatever its optimiser meets
            exchange.say(f"{symbol}: {type(error).__name__}: {error}; a random walk instead")
            model = RandomWalkWithDrift()
            made = [quantiles(model.fit(closes[: place + 1]), None, levels) for place in at]
            form = "no fit, a random walk instead"
    return symbol, at, np.stack(made), form


def quantiles(model: Any, closes: Array | None, levels: list[float]) -> Array:
    """`(q,)` of the next log close."""
    wanted = sorted({round(100 * (1 - 2 * level), 6) for level in levels if level < 0.5})
    answer = model.predict(h=1, level=wanted) if closes is None else model.forward(closes, h=1, level=wanted)
    names = {level: f"{'lo' if level < 0.5 else 'hi'}-{_spell(wanted, level)}" for level in levels if level != 0.5}
    return np.array([float(answer[names.get(level, "mean")][0]) for level in levels])


def _spell(wanted: list[float], level: float) -> float:
    """The number among `wanted` that stands for a level, as the package names its interval by it."""
    return min(wanted, key=lambda one: abs(one - 100 * abs(1 - 2 * level)))


def main() -> None:
    try:
        import statsforecast  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: F401
    except ImportError:
        exchange.missing("statsforecast")
    asked = exchange.request()
    symbols = asked.symbols()
    jobs: list[Job] = [
        (
            symbol,
            asked.settings["kind"],
            np.log(own["close"].to_numpy(dtype="float64")),
            at.tolist(),
            known,
            asked.levels,
        )
        for symbol, own, at, known in symbols
    ]
    sessions = {symbol: own["session"] for symbol, own, _, _ in symbols}
    notes: Counter[str] = Counter()
    pieces = []
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for number, (symbol, at, logs, form) in enumerate(pool.map(forecasts, jobs), start=1):
            notes[form] += 1
            named = {f"{level:.12g}": np.exp(logs[:, position]) for position, level in enumerate(asked.levels)}
            pieces.append(pd.DataFrame({"symbol": symbol, "origin": sessions[symbol].to_numpy()[at], **named}))
            if number % 25 == 0:
                exchange.say(f"{number} of {len(jobs)} symbols")
    asked.answer(pd.concat(pieces, ignore_index=True), notes)


if __name__ == "__main__":
    main()

"""Every figure and verdict about a universe: symbols in blocks against a plain loop over them.

The universe is made up: log returns of Student's t, forecasts that know a little, nine quantiles of a distribution that
is right on average, and a naive one beside it. The loop asks `diagnose` for one symbol at a time, over some of the
symbols; its time is for as many of them. Both are checked to say the same. A ragged universe has from a quarter of the
sessions to all of them, so that hardly any two symbols have equally many.

    python benchmarks/evidence.py [--symbols 5000] [--sessions 500] [--rounds 3] [--json]
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import astuple
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy.special import ndtri

from forecaster.diagnostics.diagnostics import Diagnostics, diagnose
from forecaster.evidence import column, diagnose_all, naive_column, record_of
from forecaster.spec import ModelSpec

LEVELS: Final = ModelSpec().quantiles
LIMIT: Final = 5.0
LOOPED: Final = 250
"""Symbols that the loop is timed on: it takes the same for each."""

EVEN: Final = "diagnose_all(), equal sessions"
RAGGED: Final = "diagnose_all(), ragged"
LOOP: Final = "a loop of diagnose(record_of(...))"


def universe(symbols: int, sessions: int, *, ragged: bool) -> pd.DataFrame:
    """Evidence as `forecaster.evidence` makes it."""
    random = np.random.default_rng(7)
    counts = random.integers(sessions // 4, sessions + 1, symbols) if ragged else np.full(symbols, sessions)
    rows = int(counts.sum())
    days = pd.bdate_range("2020-01-02", periods=sessions + 1).to_numpy().astype("datetime64[s]")
    position = np.concatenate([np.arange(sessions - count, sessions) for count in counts])
    median = random.normal(0.0, 0.001, rows)
    change = median + 0.012 * random.standard_t(5, rows)
    previous = 30.0 * np.exp(random.normal(0.0, 0.5, rows))
    spread = 0.0155 * np.exp(random.normal(0.0, 0.1, rows))
    table: dict[str, Any] = {
        "symbol": np.repeat([f"{number:06d}.SH" for number in range(symbols)], counts),
        "origin": days[position],
        "session": days[position + 1],
        "actual": previous * np.exp(change),
        "previous_close": previous,
        "in_sample_mae": 0.4,
        "in_sample_mse": 0.3,
    }
    table |= {column(level): previous * np.exp(median + spread * ndtri(level)) for level in LEVELS}
    table |= {naive_column(level): previous * np.exp(0.0155 * ndtri(level)) for level in LEVELS}
    return pd.DataFrame(table)


def looped(table: pd.DataFrame) -> dict[str, Diagnostics]:
    """What anybody would write first."""
    found = {}
    for symbol, own in table.groupby("symbol"):
        record = record_of(own, str(symbol), LEVELS)
        assert record is not None
        yardsticks = own[["in_sample_mae", "in_sample_mse"]].iloc[0]
        found[str(symbol)] = diagnose(record, float(yardsticks.iloc[0]), float(yardsticks.iloc[1]))
    return found


def check(alone: dict[str, Diagnostics], together: Mapping[str, Diagnostics]) -> None:
    """Whether both ways say the same, but for the last digits."""
    for symbol, one in alone.items():
        other = together[symbol]
        assert one.verdict == other.verdict, symbol
        for name in ("errors", "bias", "significance"):
            a, b = (np.array(astuple(getattr(found, name)), dtype=float) for found in (one, other))
            assert np.allclose(a, b, rtol=1e-9, atol=1e-12, equal_nan=True), (symbol, name)


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def measure(symbols: int, sessions: int, rounds: int) -> dict[str, Any]:
    even, ragged = (universe(symbols, sessions, ragged=one) for one in (False, True))
    few = even[even["symbol"] < f"{min(LOOPED, symbols):06d}"]
    found = diagnose_all(even, LEVELS)  # also loads what is loaded once
    check(looped(few), found)
    times: dict[str, list[float]] = {EVEN: [], RAGGED: [], LOOP: []}
    for _ in range(rounds):
        times[EVEN].append(seconds(lambda: diagnose_all(even, LEVELS)))
        times[LOOP].append(seconds(lambda: looped(few)) * symbols / min(LOOPED, symbols))
        times[RAGGED].append(seconds(lambda: diagnose_all(ragged, LEVELS)))
    medians = {name: statistics.median(own) for name, own in times.items()}
    return {
        "symbols": symbols,
        "sessions": sessions,
        "levels": len(LEVELS),
        "rounds": rounds,
        "rows": {EVEN: len(even), RAGGED: len(ragged)},
        "seconds": medians,
        "loop_by_blocks": medians[LOOP] / medians[EVEN],
        "ragged_by_even_per_row": medians[RAGGED] / len(ragged) * len(even) / medians[EVEN],
        "limit": LIMIT,
        "verdicts": Counter(one.verdict.code.value for one in found.values()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--symbols", type=int, default=5000)
    parser.add_argument("--sessions", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    result = measure(given.symbols, given.sessions, given.rounds)
    if given.json:
        print(json.dumps(result, indent=1))
        return
    print(f"{given.symbols} symbols x {given.sessions} sessions, {len(LEVELS)} quantiles, median of {given.rounds}")
    for name, taken in result["seconds"].items():
        print(f"  {name:36} {taken:8.2f} s")
    print(f"  the loop takes {result['loop_by_blocks']:.1f} times as long as the blocks")
    print(f"  a row of the ragged universe takes {result['ragged_by_even_per_row']:.1f} times one of the even universe")
    met = "met" if result["seconds"][EVEN] <= LIMIT else "not met"
    print(f"  at most {LIMIT:.0f} s for 5000 x 500: {met}")


if __name__ == "__main__":
    main()

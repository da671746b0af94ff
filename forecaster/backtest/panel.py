"""The table of a backtest as arrays: every model on the same symbol-sessions, in one order.

Changes are relative to the last close: r = actual / previous close - 1, and q = quantile / previous close - 1. So
symbols of any price weigh the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecaster.diagnostics.record import Floats
from forecaster.evidence import column

Days = NDArray[np.datetime64]
Positions = NDArray[np.intp]

_KEYS = ("symbol", "origin", "session", "previous_close", "actual")


class BadTable(ValueError):
    """A table of forecasts that no summary may be computed from.

    Attributes:
        field: the column or model at fault.
        expected: what it has to be.
        received: what came.
    """

    def __init__(self, field: str, expected: str, received: str) -> None:
        self.field, self.expected, self.received = field, expected, received
        super().__init__(f"table of forecasts, {field}: expected {expected}, received {received}")


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """Forecasts of several models, with their outcomes. n rows by session and symbol, T sessions, q levels.

    Attributes:
        levels: of the quantiles, ascending, 0.5 among them.
        symbols: names, sorted.
        symbol: `(n,)` positions in `symbols`.
        sessions: `(T,)` datetime64[D], the sessions forecast, ascending.
        session: `(n,)` positions in `sessions`.
        origin: `(n,)` datetime64[D], the newest bar known.
        previous_close, actual: `(n,)` adjusted closes [currency].
        models: names in the table's order -> the rows of each of its seeds.
        table: where they are.
    """

    levels: tuple[float, ...]
    symbols: tuple[str, ...]
    symbol: Positions
    sessions: Days
    session: Positions
    origin: Days
    previous_close: Floats
    actual: Floats
    models: Mapping[str, tuple[Positions, ...]]
    table: pd.DataFrame

    @property
    def change(self) -> Floats:
        """`(n,)`: r, what the close did."""
        return self.actual / self.previous_close - 1.0

    @property
    def count(self) -> Floats:
        """`(T,)`: forecasts a session."""
        return self.by_session(np.ones(self.symbol.size))

    def quantiles(self, model: str) -> Iterator[Floats]:
        """`(n, q)` for each seed of a model: what it said the close would do. Made when asked for: they are large."""
        names = [column(level) for level in self.levels]
        prices = self.table[names]
        for rows in self.models[model]:
            yield prices.iloc[rows].to_numpy(dtype=np.float64) / self.previous_close[:, None] - 1.0

    def median(self, quantiles: Floats) -> Floats:
        """`(n,)`: the point forecast among `(n, q)`."""
        return quantiles[:, self.levels.index(0.5)]

    def by_session(self, values: Floats) -> Floats:
        """`(T,)`: the totals of sessions of values `(n,)`."""
        return np.bincount(self.session, weights=values, minlength=self.sessions.size).astype(np.float64)


def make_panel(table: pd.DataFrame, levels: Sequence[float]) -> Panel:
    """The panel of a tidy table.

    Args:
        table: one row a model, symbol and session: model, symbol, origin, session, previous_close, actual, and a column
            a level; with a column `seed`, one row a model, seed, symbol and session.
        levels: of the quantiles, ascending, 0.5 among them.

    Raises:
        BadTable: columns are missing, prices are no prices, or the models differ in their symbol-sessions.
    """
    columns = [column(level) for level in levels]
    missing = [name for name in ("model", *_KEYS, *columns) if name not in table.columns]
    if missing or not len(table):
        raise BadTable("columns", "rows with model, " + ", ".join((*_KEYS, *columns)), f"no {missing or 'rows'}")
    if 0.5 not in levels or list(levels) != sorted(set(levels)):
        raise BadTable("levels", "ascending levels with 0.5 among them", str(tuple(levels)))
    _check_prices(table, columns)
    symbol, symbols = pd.factorize(table["symbol"], sort=True)
    session, sessions = pd.factorize(_days(table["session"]), sort=True)
    keys = {
        "symbol": symbol,
        "session": session,
        "origin": _days(table["origin"]),
        "previous_close": table["previous_close"].to_numpy(dtype=np.float64),
        "actual": table["actual"].to_numpy(dtype=np.float64),
    }
    # Rows in one order everywhere: then models are compared position by position.
    models = _rows(table, np.lexsort((symbol, session)))
    first = next(iter(models.values()))[0]
    for model, seeds in models.items():
        for rows in seeds:
            _check_same(keys, model, first, rows)
    own = {name: values[first] for name, values in keys.items()}
    return Panel(
        levels=tuple(float(level) for level in levels),
        symbols=tuple(str(name) for name in symbols),
        sessions=np.asarray(sessions, dtype="datetime64[D]"),
        **own,
        models=models,
        table=table,
    )


def _rows(table: pd.DataFrame, order: Positions) -> dict[str, tuple[Positions, ...]]:
    model, names = pd.factorize(table["model"])
    seed = pd.factorize(table["seed"])[0] if "seed" in table.columns else np.zeros(len(table), dtype=np.intp)
    own, own_seed = model[order], seed[order]
    found = {}
    for number, name in enumerate(names):
        chosen = own == number
        rows, seeds = order[chosen], own_seed[chosen]
        found[str(name)] = tuple(rows[seeds == one] for one in np.unique(seeds))
    return found


def _check_prices(table: pd.DataFrame, columns: Sequence[str]) -> None:
    for name in ("previous_close", "actual", *columns):
        values = table[name].to_numpy(dtype=np.float64)
        positive = name in ("previous_close", "actual")
        good = np.isfinite(values) & (values > 0.0) if positive else np.isfinite(values)
        if not good.all():
            at = int(good.argmin())
            expected = "finite prices above zero" if positive else "finite prices"
            raise BadTable(name, expected, f"{values[at]} in row {at}")


def _check_same(keys: Mapping[str, NDArray[Any]], model: str, first: Positions, rows: Positions) -> None:
    expected = f"the {first.size:,} symbol-sessions of the first model, each once, with the same outcomes"
    if rows.size != first.size:
        raise BadTable(f"model {model}", expected, f"{rows.size:,}")
    for name, values in keys.items():
        if not np.array_equal(values[rows], values[first]):
            raise BadTable(f"model {model}", expected, f"others, by their {name}")
    symbol, session = keys["symbol"][rows], keys["session"][rows]
    twice = (symbol[1:] == symbol[:-1]) & (session[1:] == session[:-1])
    if twice.any():
        raise BadTable(f"model {model}", expected, f"{int(twice.sum()):,} of them twice")


def _days(values: pd.Series[pd.Timestamp]) -> Days:
    return values.to_numpy().astype("datetime64[D]")

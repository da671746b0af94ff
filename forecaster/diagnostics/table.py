"""A tidy table of forecasts -> records: one symbol's, or all symbols' in blocks of equal length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecaster.diagnostics.block import Block
from forecaster.diagnostics.record import BadRecord, Floats, ForecastRecord, check_levels

VALUES: Final = 1 << 15
"""Prices in one series of a block: few enough for what is computed on the way to stay in the processor's cache."""

Index = NDArray[np.int64]


def column(level: float) -> str:
    """The name of a quantile's column, and of its key in an answer: 0.05 -> "0.05"."""
    return f"{level:.12g}"


def naive_column(level: float) -> str:
    """The name of the column of the same quantile of the naive distribution: 0.05 -> "naive 0.05"."""
    return f"naive {column(level)}"


def record_of(table: pd.DataFrame, symbol: str, levels: Sequence[float]) -> ForecastRecord | None:
    """One symbol's forecasts as the diagnostics take them; None where there are none.

    Args:
        table: columns symbol, session, actual, previous_close, one a level, and naive ones if known; in the order
            of sessions. `rows_of` also reads in_sample_mae and in_sample_mse, where there.
        symbol: whose rows.
        levels: the model's quantiles, `(q,)`.

    Raises:
        BadRecord: the rows are no record.
    """
    own = table[table["symbol"] == symbol]
    if own.empty:
        return None

    def values(name: str) -> Floats:
        return own[name].to_numpy(dtype="float64")

    naive = None
    if _has_naive(own, levels):
        naive = np.stack([values(naive_column(level)) for level in levels], axis=-1)  # (n, q)
    return ForecastRecord(
        session=own["session"].to_numpy().astype("datetime64[D]"),
        actual=values("actual"),
        previous_close=values("previous_close"),
        quantiles=np.stack([values(column(level)) for level in levels], axis=-1),
        levels=tuple(levels),
        naive_quantiles=None if naive is None or np.isnan(naive).any() else naive,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The columns of a tidy table in the order of symbol and session.

    Attributes:
        symbols: in the order of their rows.
        starts: `(symbols + 1,)`, the first row of each, and how many rows there are.
        levels: `(q,)`.
        session: `(rows,)` datetime64[D].
        actual, previous_close: `(rows,)` [currency].
        quantiles: q arrays `(rows,)` [currency].
        naive: the same of the naive distribution; None where the table does not have it.
        in_sample_mae, in_sample_mse: `(symbols,)`, from each symbol's first row; NaN if unknown.
    """

    symbols: list[str]
    starts: Index
    levels: tuple[float, ...]
    session: NDArray[np.datetime64]
    actual: Floats
    previous_close: Floats
    quantiles: list[Floats]
    naive: list[Floats] | None
    in_sample_mae: Floats
    in_sample_mse: Floats

    def blocks(self) -> Iterator[tuple[Index, Block]]:
        """Blocks of symbols with equally many sessions, and which symbols `(m,)` those are.

        Raises:
            BadRecord: a symbol's rows are no record.
        """
        counts = np.diff(self.starts)
        if not counts.size:
            return
        order = np.argsort(counts, kind="stable")
        for same in np.split(order, np.flatnonzero(np.diff(counts[order])) + 1):
            n = int(counts[same[0]])
            size = max(1, VALUES // n)
            for begin in range(0, len(same), size):
                own = same[begin : begin + size]
                block = self._block(self.starts[own], n)
                self._check(own, block)
                yield own, block

    def _block(self, starts: Index, n: int) -> Block:
        first = int(starts[0])
        if int(starts[-1]) - first == n * (len(starts) - 1):
            rows: slice | Index = slice(first, first + n * len(starts))  # neighbours: nothing is copied
        else:
            rows = (starts[:, None] + np.arange(n)).ravel()

        def laid(values: NDArray[Any]) -> NDArray[Any]:
            return values[rows].reshape(len(starts), n)

        return Block(
            session=laid(self.session),
            actual=laid(self.actual),
            previous_close=laid(self.previous_close),
            quantiles=np.stack([laid(one) for one in self.quantiles]),
            levels=self.levels,
            naive_quantiles=None if self.naive is None else np.stack([laid(one) for one in self.naive]),
        )

    def _check(self, own: Index, block: Block) -> None:
        faulty = np.flatnonzero(block.faulty())
        if not faulty.size:
            return
        at = int(faulty[0])
        try:
            # The record says what is wrong; it has the same rules.
            block.record(at)
        except BadRecord as error:
            raise BadRecord(error.field, error.expected, error.received, self.symbols[own[at]]) from None


def rows_of(table: pd.DataFrame, levels: Sequence[float]) -> Rows:
    """Read a tidy table, whatever the order of its rows.

    Args:
        table: see `record_of`.
        levels: the quantiles to read, `(q,)`.

    Raises:
        BadRecord: the levels are not as `ForecastRecord` wants them, or a yardstick is negative or infinite.
        KeyError: a column is missing.
    """
    check_levels(levels)
    codes, names = pd.factorize(table["symbol"])
    session = table["session"].to_numpy().astype("datetime64[D]")
    if not _ordered(codes, session):
        order = np.lexsort((session, codes))
        table, codes, session = table.iloc[order], codes[order], session[order]

    def values(name: str) -> Floats:
        return np.ascontiguousarray(table[name].to_numpy(dtype="float64"))

    symbols = [str(name) for name in names]
    starts = np.searchsorted(codes, np.arange(len(names) + 1)).astype(np.int64)

    def yardstick(name: str) -> Floats:
        if name not in table.columns:
            return np.full(len(symbols), np.nan)
        found = table[name].to_numpy(dtype="float64")[starts[:-1]]
        bad = np.flatnonzero((found < 0.0) | np.isinf(found))
        if bad.size:
            raise BadRecord(name, "a finite number >= 0, or NaN", str(found[bad[0]]), symbols[bad[0]])
        return found

    return Rows(
        symbols=symbols,
        starts=starts,
        levels=tuple(levels),
        session=session,
        actual=values("actual"),
        previous_close=values("previous_close"),
        quantiles=[values(column(level)) for level in levels],
        naive=[values(naive_column(level)) for level in levels] if _has_naive(table, levels) else None,
        in_sample_mae=yardstick("in_sample_mae"),
        in_sample_mse=yardstick("in_sample_mse"),
    )


def _has_naive(table: pd.DataFrame, levels: Sequence[float]) -> bool:
    return all(naive_column(level) in table.columns for level in levels)


def _ordered(codes: NDArray[Any], session: NDArray[np.datetime64]) -> bool:
    step = np.diff(codes)
    return bool((step >= 0).all() and ((step > 0) | (session[1:] >= session[:-1])).all())

"""The Bars table: daily prices as traded, checked once at the edge.

=============  =============  =========================================================
column         dtype          unit
=============  =============  =========================================================
symbol         str            such as AAPL or 600519.SH
session        datetime64[s]  the trading day, at midnight, without a time zone
open … close   float64        currency per share, as traded (not adjusted)
volume         float64        shares
amount         float64        currency; NaN where the source does not tell
adj_factor     float64        1; price x factor is backward-adjusted (see `data.adjust`)
=============  =============  =========================================================

A row that breaks a rule is set aside with its reason and its original values: bad rows are
counted and kept, never repaired and never dropped silently.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import reduce
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd

from data.errors import MissingColumns
from data.parsing import Flags, Numbers, Positions, parse_numbers, parse_sessions, parse_symbols, readable

Days: TypeAlias = np.ndarray[Any, np.dtype[np.datetime64]]
Columns: TypeAlias = Mapping[str, "pd.Series[float]"] | Mapping[str, Numbers]

PRICES: Final = ("open", "high", "low", "close")
COLUMNS: Final = ("symbol", "session", *PRICES, "volume", "amount", "adj_factor")
OPTIONAL: Final = ("amount",)
QUARANTINE_COLUMNS: Final = ("source", "row", "reason", "raw")

# Prices may have gone through float32; a high below the close by less than this is rounding.
_ROUNDING: Final = 1e-6
# More days than years of four digits have: a symbol's position times this, plus the day, is one number for the pair.
_DAYS: Final = 2**22


class Reason(StrEnum):
    """Why a row was set aside. The first rule that a row breaks, in this order."""

    BAD_SYMBOL = "bad_symbol"
    BAD_SESSION = "bad_session"
    IN_THE_FUTURE = "in_the_future"
    MISSING_VALUE = "missing_value"
    NOT_A_NUMBER = "not_a_number"
    NOT_POSITIVE = "price_not_positive"
    INCONSISTENT_RANGE = "high_low_inconsistent"
    NEGATIVE_VOLUME = "negative_volume"
    BAD_FACTOR = "bad_factor"
    DUPLICATE = "duplicate"
    CONFLICTING = "conflicting_duplicate"


_REASONS: Final = tuple(Reason)


@dataclass(frozen=True, slots=True)
class Bars:
    """Validated bars: `COLUMNS` in order, sorted by symbol and session, each pair once."""

    frame: pd.DataFrame

    def __len__(self) -> int:
        """How many bars."""
        return len(self.frame)

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols in the table, sorted."""
        return tuple(self.frame["symbol"].unique())


@dataclass(frozen=True, slots=True)
class Validated:
    """Good rows, and the rows set aside: `QUARANTINE_COLUMNS`, `raw` being the original row as JSON."""

    bars: Bars
    quarantine: pd.DataFrame

    def counts(self) -> dict[str, int]:
        """How many rows were set aside, by reason."""
        return {str(reason): int(n) for reason, n in self.quarantine["reason"].value_counts().sort_index().items()}


def empty_bars() -> Bars:
    """A table without rows."""
    return Bars(_typed(pd.DataFrame({name: [] for name in COLUMNS})))


def validate(table: pd.DataFrame, *, source: str, known_through: date | None = None) -> Validated:
    """Split `table` into bars and quarantine.

    Args:
        table: columns as in `COLUMNS`, in any order and dtype; `OPTIONAL` ones may be absent.
        source: where the rows came from, for messages and the quarantine.
        known_through: the last day that can have happened; later sessions are set aside.

    Raises:
        MissingColumns: a required column is absent.
    """
    missing = [name for name in COLUMNS if name not in table.columns and name not in OPTIONAL]
    if missing:
        raise MissingColumns(source, missing, [str(name) for name in table.columns])
    raw = readable(table.reset_index(drop=True).reindex(columns=list(COLUMNS)))
    codes, symbols = parse_symbols(raw["symbol"])
    sessions = parse_sessions(raw["session"])
    numbers, blanks = {}, {}
    for name in COLUMNS[2:]:
        numbers[name], blanks[name] = parse_numbers(raw[name])

    verdicts = _Verdicts(len(raw))
    verdicts.mark(Reason.BAD_SYMBOL, codes < 0)
    verdicts.mark(Reason.BAD_SESSION, sessions.isna().to_numpy())
    if known_through is not None:
        verdicts.mark(Reason.IN_THE_FUTURE, (sessions > pd.Timestamp(known_through)).to_numpy())
    _mark_numbers({name: column.to_numpy() for name, column in numbers.items()}, blanks, verdicts)
    pairs = codes * _DAYS + sessions.to_numpy().astype("datetime64[D]").astype("int64")
    rows = _rows_in_order(pairs, numbers, verdicts)

    # The columns stay the source's own where they can: pandas copies them when someone writes.
    symbol = pd.Series(symbols.array.take(codes, allow_fill=True))
    parsed = pd.DataFrame({"symbol": symbol, "session": sessions, **numbers}, copy=False)
    bars = parsed if rows is None else parsed.take(rows).reset_index(drop=True)
    return Validated(Bars(bars), _quarantine(raw, verdicts, source))


@dataclass(frozen=True, slots=True)
class Broken:
    """The first of a table's rows that would be set aside, and why."""

    row: int
    reason: Reason


def order_of_one(
    session: Days, numbers: Mapping[str, Numbers], *, known_through: date | None = None
) -> Positions | Broken:
    """The order of one symbol's bars by session; or what is wrong with them, by the rules of `validate`.

    Args:
        session: `(n,) datetime64[D]`, in any order.
        numbers: the other columns by their names, each `(n,) float64`; NaN is a blank.
        known_through: the last day that can have happened.
    """
    verdicts = _Verdicts(len(session))
    if known_through is not None:
        verdicts.mark(Reason.IN_THE_FUTURE, session > np.datetime64(known_through))
    blanks = {name: np.isnan(column) for name, column in numbers.items()}
    _mark_numbers(numbers, blanks, verdicts)
    rows = _rows_in_order(session.astype("int64"), numbers, verdicts)
    if verdicts.good.all():
        return np.arange(len(session)) if rows is None else rows
    first = np.flatnonzero(~verdicts.good)[:1]
    return Broken(int(first[0]), Reason(verdicts.reasons(first)[0]))


class _Verdicts:
    """The first reason found for each row, and which rows are good so far."""

    def __init__(self, rows: int) -> None:
        self._reasons = np.zeros(rows, dtype="uint8")
        self.good = np.ones(rows, dtype=bool)

    def mark(self, reason: Reason, rows: Flags) -> None:
        found = rows & self.good
        self._reasons[found] = _REASONS.index(reason)
        self.good &= ~found

    def reasons(self, rows: Positions) -> list[str]:
        """Why `rows`, of which none is good, were set aside."""
        return [str(_REASONS[reason]) for reason in self._reasons[rows]]


def _mark_numbers(numbers: Mapping[str, Numbers], blanks: Mapping[str, Flags], verdicts: _Verdicts) -> None:
    required = [*PRICES, "volume", "adj_factor"]
    amount = numbers["amount"]
    verdicts.mark(Reason.MISSING_VALUE, reduce(np.logical_or, [blanks[name] for name in required]))
    finite = reduce(np.logical_and, [np.isfinite(numbers[name]) for name in required])
    verdicts.mark(Reason.NOT_A_NUMBER, ~finite | np.isinf(amount) | (np.isnan(amount) & ~blanks["amount"]))

    prices = [numbers[name] for name in PRICES]
    highest, lowest = reduce(np.maximum, prices), reduce(np.minimum, prices)
    verdicts.mark(Reason.NOT_POSITIVE, lowest <= 0)
    with np.errstate(over="ignore", invalid="ignore"):
        room = _ROUNDING * np.abs(numbers["close"])
        outside = (highest > numbers["high"] + room) | (lowest < numbers["low"] - room)
    verdicts.mark(Reason.INCONSISTENT_RANGE, outside)
    verdicts.mark(Reason.NEGATIVE_VOLUME, (numbers["volume"] < 0) | (amount < 0))
    verdicts.mark(Reason.BAD_FACTOR, numbers["adj_factor"] <= 0)


def _rows_in_order(pairs: Positions, numbers: Columns, verdicts: _Verdicts) -> Positions | None:
    """The good rows sorted by `pairs`, after repeated ones were marked; None where that is every row as it stands."""
    rows = np.flatnonzero(verdicts.good)
    own = pairs[rows]
    if (own[1:] > own[:-1]).all():
        return None if len(rows) == len(pairs) else rows
    order = np.argsort(own, kind="stable")
    rows, own = rows[order], own[order]
    as_before = np.concatenate(([False], own[1:] == own[:-1], [False]))
    tied = rows[as_before[:-1] | as_before[1:]]
    if len(tied):
        _mark_duplicates(tied, pairs, numbers, verdicts)
    return rows[verdicts.good[rows]]


def _mark_duplicates(tied: Positions, pairs: Positions, numbers: Columns, verdicts: _Verdicts) -> None:
    """Repeated rows count once; rows that contradict each other are all set aside: nobody knows which is true.

    Assumes that `tied` are the good rows whose pair occurs more than once, each pair's in the order of the table.
    """
    good = pd.DataFrame({"pair": pairs[tied]} | {name: np.asarray(column)[tied] for name, column in numbers.items()})
    repeated = good.duplicated(keep="first").to_numpy()
    once = good["pair"][~repeated]
    conflicting = good["pair"].isin(once[once.duplicated()]).to_numpy()
    for reason, found in ((Reason.CONFLICTING, conflicting), (Reason.DUPLICATE, repeated)):
        rows = np.zeros(len(pairs), dtype=bool)
        rows[tied[found]] = True
        verdicts.mark(reason, rows)


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    dtypes: dict[str, Any] = dict.fromkeys(COLUMNS, "float64") | {"symbol": "str", "session": "datetime64[s]"}
    return table[list(COLUMNS)].astype(dtypes)


def _quarantine(raw: pd.DataFrame, verdicts: _Verdicts, source: str) -> pd.DataFrame:
    rows = np.flatnonzero(~verdicts.good)
    if not len(rows):
        return pd.DataFrame({name: [] for name in QUARANTINE_COLUMNS}, dtype="str")
    originals = [_as_json(row) for row in raw.iloc[rows].astype(object).to_dict("records")]
    return pd.DataFrame(
        {
            "source": pd.Series([source] * len(rows), dtype="str"),
            "row": rows.astype("int64"),
            "reason": pd.Series(verdicts.reasons(rows), dtype="str"),
            "raw": pd.Series(originals, dtype="str"),
        }
    )


def _as_json(row: dict[Any, Any]) -> str:
    """One row as strict JSON, every number to its last bit; JSON has no infinity, so that one becomes text."""
    cells = {name: None if pd.isna(cell) else cell for name, cell in row.items()}
    infinite = {name: str(cell) for name, cell in cells.items() if isinstance(cell, float) and np.isinf(cell)}
    return json.dumps(cells | infinite, default=str, separators=(",", ":"))

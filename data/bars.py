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
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

import numpy as np
import pandas as pd

from data.errors import MissingColumns
from data.symbols import SYMBOL_PATTERN

PRICES: Final = ("open", "high", "low", "close")
COLUMNS: Final = ("symbol", "session", *PRICES, "volume", "amount", "adj_factor")
OPTIONAL: Final = ("amount",)
QUARANTINE_COLUMNS: Final = ("source", "row", "reason", "raw")

# Prices may have gone through float32; a high below the close by less than this is rounding.
_ROUNDING: Final = 1e-6

# A whole date, year first. What follows must not be a digit: half a date (2024, 2024-01) or a count of seconds
# would be a guess, and words such as "today" would read the clock.
# A whole-numbered 20240102.0 comes from spreadsheets and from gaps in integer columns.
_DAY: Final = r"^([0-9]{4}(?:-[0-9]{1,2}-[0-9]{1,2}|/[0-9]{1,2}/[0-9]{1,2}|[0-9]{4}))(?:\.0$|[^0-9.]|$)"


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
    parsed, verdicts = _parse(raw), _Verdicts(len(raw))

    verdicts.mark(Reason.BAD_SYMBOL, ~parsed["symbol"].str.match(SYMBOL_PATTERN, na=False))
    verdicts.mark(Reason.BAD_SESSION, parsed["session"].isna())
    if known_through is not None:
        verdicts.mark(Reason.IN_THE_FUTURE, parsed["session"] > pd.Timestamp(known_through))
    numbers = [*PRICES, "volume", "adj_factor"]
    verdicts.mark(Reason.MISSING_VALUE, _blank(raw[numbers]).any(axis=1))
    finite = pd.Series(np.isfinite(parsed[numbers].to_numpy()).all(axis=1), index=parsed.index)
    unparsed = ~finite | (parsed["amount"].isna() & ~_blank(raw[["amount"]])["amount"])
    verdicts.mark(Reason.NOT_A_NUMBER, unparsed | np.isinf(parsed["amount"]))
    prices = parsed[list(PRICES)]
    verdicts.mark(Reason.NOT_POSITIVE, (prices <= 0).any(axis=1))
    room = _ROUNDING * prices["close"].abs()
    outside = (prices.max(axis=1) > parsed["high"] + room) | (prices.min(axis=1) < parsed["low"] - room)
    verdicts.mark(Reason.INCONSISTENT_RANGE, outside)
    verdicts.mark(Reason.NEGATIVE_VOLUME, (parsed["volume"] < 0) | (parsed["amount"] < 0))
    verdicts.mark(Reason.BAD_FACTOR, parsed["adj_factor"] <= 0)
    _mark_duplicates(parsed, verdicts)

    good = _typed(parsed[verdicts.good]).sort_values(["symbol", "session"], ignore_index=True)
    return Validated(Bars(good), _quarantine(raw, verdicts, source))


class _Verdicts:
    """The first reason found for each row, and which rows are good so far."""

    def __init__(self, rows: int) -> None:
        self.reasons = np.full(rows, None, dtype=object)
        self.good = np.ones(rows, dtype=bool)

    def mark(self, reason: Reason, rows: pd.Series[bool] | np.ndarray[Any, np.dtype[np.bool_]]) -> None:
        found = np.asarray(rows, dtype=bool) & self.good
        self.reasons[found] = reason
        self.good &= ~found


def _mark_duplicates(parsed: pd.DataFrame, verdicts: _Verdicts) -> None:
    """Repeated rows count once; rows that contradict each other are all set aside: nobody knows which is true."""
    good = parsed[verdicts.good]
    pair = ["symbol", "session"]
    repeated = good.duplicated(keep="first")
    once = good[~repeated]
    contradicted = pd.MultiIndex.from_frame(once[once.duplicated(pair, keep=False)][pair])
    conflicting = pd.MultiIndex.from_frame(good[pair]).isin(contradicted)
    verdicts.mark(Reason.CONFLICTING, parsed.index.isin(good.index[conflicting]))
    verdicts.mark(Reason.DUPLICATE, parsed.index.isin(good.index[repeated]))


def _blank(table: pd.DataFrame) -> pd.DataFrame:
    text = table.astype("string").apply(lambda column: column.str.strip().str.lower())
    blank: pd.DataFrame = table.isna() | text.isin(["", "nan", "none", "null", "na", "n/a", "-"])
    return blank.fillna(True).astype(bool)


def _parse(raw: pd.DataFrame) -> pd.DataFrame:
    parsed = pd.DataFrame(index=raw.index)
    parsed["symbol"] = raw["symbol"].astype("string").str.strip()
    parsed["session"] = parse_sessions(raw["session"])
    for name in (*PRICES, "volume", "amount", "adj_factor"):
        # Moments, spans and truth values would turn into numbers; as text they do not.
        column = raw[name].astype("string") if raw[name].dtype.kind in "mMbc" else raw[name]
        parsed[name] = pd.to_numeric(column, errors="coerce").astype("float64")
    return parsed


def parse_sessions(raw: pd.Series[Any]) -> pd.Series[pd.Timestamp]:
    """Trading days `datetime64[s]`, NaT where a cell is no whole date.

    Args:
        raw: days as text, integers such as 20240102, or moments. The date counts as it is written, whatever time or
            zone follows it: that is how the exchange dates its session.
    """
    day = raw.astype("string").str.strip().str.extract(_DAY, expand=False)
    return pd.to_datetime(day, format="ISO8601", errors="coerce").astype("datetime64[s]")


def readable(raw: pd.DataFrame) -> pd.DataFrame:
    """`raw` with what is no text, number or day (a list, bytes) as its text, so that no cell stops the parsing."""
    mixed = [name for name in raw.columns if raw[name].dtype == object]
    return raw.assign(**{name: raw[name].map(_readable_cell).astype(object) for name in mixed})


def _readable_cell(cell: object) -> object:
    if isinstance(cell, bytes):
        return cell.decode(errors="backslashreplace")
    plain = isinstance(cell, (str, int, float, Decimal, date, np.number)) and not isinstance(cell, (bool, complex))
    return cell if plain or cell is None or cell is pd.NA or cell is pd.NaT else repr(cell)


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
            "reason": pd.Series([str(verdicts.reasons[row]) for row in rows], dtype="str"),
            "raw": pd.Series(originals, dtype="str"),
        }
    )


def _as_json(row: dict[Any, Any]) -> str:
    """One row as strict JSON, every number to its last bit; JSON has no infinity, so that one becomes text."""
    cells = {name: None if pd.isna(cell) else cell for name, cell in row.items()}
    infinite = {name: str(cell) for name, cell in cells.items() if isinstance(cell, float) and np.isinf(cell)}
    return json.dumps(cells | infinite, default=str, separators=(",", ":"))

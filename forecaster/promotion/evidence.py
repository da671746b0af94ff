"""What is known of a challenger when it is decided whether it may serve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any


@dataclass(frozen=True, slots=True)
class Compared:
    """The pinball loss of the challenger by another forecast's, on the same symbols and sessions.

    Attributes:
        ratio: of the mean losses, each relative to the last close [1]; None where it is not defined.
        error: its standard error over sessions [1]; None where it cannot be told.
        p_value: the probability of so low a ratio where the two are equally good, one-sided; None likewise.
    """

    ratio: float | None
    error: float | None
    p_value: float | None


@dataclass(frozen=True, slots=True)
class Covered:
    """The widest interval: the share of closes that it promises to hold, and the share that it held."""

    promised: float
    observed: float


@dataclass(frozen=True, slots=True)
class Span:
    """What the two were judged on: sessions, both ends, how many of them, and how many shares and forecasts."""

    first: date
    last: date
    sessions: int
    symbols: int
    forecasts: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """A challenger beside what it wants to succeed.

    Attributes:
        challenger: its version.
        champion: the version that serves; None where none does.
        span: None where there is no session that both can be judged on.
        versus_champion: None without a champion, or without a span.
        versus_naive: against the last close, spread by each symbol's past; None without a span.
        coverage: None without a span, or where the model has one quantile only.
        leaks: how many `forecaster leakcheck` found in its spec on these prices; None where it was not run.
        parity: how far the exported network is from the trained one.
        mebibytes: what its bundle takes [MiB].
        latency: the median time of one forecast [ms].
        rolled_back: whether somebody went back from this version before.
    """

    challenger: str
    champion: str | None
    span: Span | None
    versus_champion: Compared | None
    versus_naive: Compared | None
    coverage: Covered | None
    leaks: int | None
    parity: float
    mebibytes: float
    latency: float
    rolled_back: bool


def to_dict(evidence: Evidence) -> dict[str, Any]:
    """JSON-ready values; `from_dict` reads them back."""
    made = asdict(evidence)
    if evidence.span is not None:
        made["span"] |= {"first": evidence.span.first.isoformat(), "last": evidence.span.last.isoformat()}
    return made


def from_dict(values: Mapping[str, Any]) -> Evidence:
    """The evidence that `to_dict` wrote. Raises KeyError, TypeError or ValueError where it did not."""
    span = values["span"]
    parts = {
        "span": span
        and Span(**span | {"first": date.fromisoformat(span["first"]), "last": date.fromisoformat(span["last"])}),
        "coverage": values["coverage"] and Covered(**values["coverage"]),
        **{name: values[name] and Compared(**values[name]) for name in ("versus_champion", "versus_naive")},
    }
    return Evidence(**{**values, **parts})

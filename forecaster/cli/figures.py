"""Diagnostics as the row of a table."""

from __future__ import annotations

from typing import Final

from forecaster.diagnostics.diagnostics import Diagnostics

COLUMNS: Final = (
    "symbol",
    "sessions",
    "MAE",
    "skill vs naive",
    "best lag",
    "echo",
    "DM p",
    "coverage",
    "verdict",
)


def row(symbol: str, found: Diagnostics) -> tuple[str, ...]:
    """One symbol's figures under `COLUMNS`; a dash where the data do not suffice."""
    error, delay, tests, interval = found.errors, found.lag, found.significance, found.coverage
    return (
        symbol,
        str(found.sessions),
        _number(error.mae if error else None, ".4g"),
        _number(error.skill_vs_naive if error else None, "+.4f"),
        _number(delay.best_lag if delay else None, "d"),
        _number(delay.echo if delay else None, ".3f"),
        _probability(tests.dm_p_value if tests else None),
        _number(interval.observed if interval else None, ".3f"),
        found.verdict.code.value,
    )


def _probability(value: float | None) -> str:
    return "<0.001" if value is not None and value < 0.0005 else _number(value, ".3f")


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)

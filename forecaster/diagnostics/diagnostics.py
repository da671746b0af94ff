"""All figures about one symbol, with the sample behind them; to and from JSON.

A sample below `MIN_SESSIONS` has no figures: a section says "insufficient data" instead of a number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from forecaster.diagnostics.coverage import Coverage, coverage
from forecaster.diagnostics.errors import Errors, errors
from forecaster.diagnostics.lag import Lag, lag
from forecaster.diagnostics.record import ForecastRecord
from forecaster.diagnostics.significance import Significance, significance
from forecaster.diagnostics.verdict import MIN_SESSIONS, Verdict, VerdictCode, lag_text, too_few, verdict

INSUFFICIENT = "insufficient data"


@dataclass(frozen=True, slots=True)
class Sample:
    """The span that the figures are about: first and last session, and how many there are."""

    first: date
    last: date
    sessions: int


@dataclass(frozen=True, slots=True)
class Diagnostics:
    """What is known about a model's forecasts of one symbol. A section is None where data are insufficient.

    `undated` is the number of sessions where there is no `sample` to count them.
    """

    sample: Sample | None
    errors: Errors | None
    lag: Lag | None
    significance: Significance | None
    coverage: Coverage | None
    verdict: Verdict
    undated: int = 0

    @property
    def sessions(self) -> int:
        """How many sessions are behind the figures."""
        return self.sample.sessions if self.sample else self.undated


def diagnose(record: ForecastRecord, in_sample_mae: float | None) -> Diagnostics:
    """All figures of a record; only the sample and the verdict below `MIN_SESSIONS`.

    Args:
        record: forecasts with their outcomes.
        in_sample_mae: see `errors.errors`.

    Raises:
        ValueError: `in_sample_mae` is negative or not finite.
    """
    sample = Sample(record.session[0].item(), record.session[-1].item(), record.n)
    if record.n < MIN_SESSIONS:
        return Diagnostics(sample, None, None, None, None, too_few(record.n))
    error, delay, tests = errors(record, in_sample_mae), lag(record), significance(record)
    return Diagnostics(sample, error, delay, tests, coverage(record), verdict(record.n, error, delay, tests))


def insufficient(n: int = 0) -> Diagnostics:
    """The diagnostics of a symbol without evidence.

    Args:
        n: sessions known of, fewer than `MIN_SESSIONS`.

    Raises:
        ValueError: `n` sessions would be sufficient, or `n` is negative.
    """
    if not 0 <= n < MIN_SESSIONS:
        raise ValueError(f"insufficient: expected 0 <= n < {MIN_SESSIONS}, received {n}")
    return Diagnostics(None, None, None, None, None, too_few(n), undated=n)


def to_dict(diagnostics: Diagnostics) -> dict[str, Any]:
    """JSON-ready form: `sample`, `errors`, `lag`, `significance`, `coverage`, and `verdict` beside them.

    A section that is None becomes `{"status": "insufficient data", "needed": 60, "sessions": n}`.
    """
    found = diagnostics
    missing = {"status": INSUFFICIENT, "needed": MIN_SESSIONS, "sessions": found.sessions}
    return {
        "sample": _sample_to_dict(found.sample) if found.sample else dict(missing),
        "errors": asdict(found.errors) if found.errors else dict(missing),
        "lag": _lag_to_dict(found.lag) if found.lag else dict(missing),
        "significance": asdict(found.significance) if found.significance else dict(missing),
        "coverage": asdict(found.coverage) if found.coverage else dict(missing),
        "verdict": {"code": found.verdict.code.value, "text": found.verdict.text},
    }


def from_dict(data: Mapping[str, Any]) -> Diagnostics:
    """The inverse of `to_dict`.

    Raises:
        KeyError, TypeError, ValueError: `data` did not come from `to_dict`.
    """

    def section(name: str) -> dict[str, Any] | None:
        found: dict[str, Any] = data[name]
        return None if found.get("status") == INSUFFICIENT else found

    sample, error, delay = section("sample"), section("errors"), section("lag")
    tests, interval = section("significance"), section("coverage")
    return Diagnostics(
        sample=_sample_from_dict(sample) if sample else None,
        errors=Errors(**error) if error else None,
        lag=_lag_from_dict(delay) if delay else None,
        significance=Significance(**tests) if tests else None,
        coverage=Coverage(**interval) if interval else None,
        verdict=Verdict(VerdictCode(data["verdict"]["code"]), data["verdict"]["text"]),
        undated=0 if sample else data["sample"]["sessions"],
    )


def _sample_to_dict(sample: Sample) -> dict[str, Any]:
    return {"first": sample.first.isoformat(), "last": sample.last.isoformat(), "sessions": sample.sessions}


def _sample_from_dict(data: Mapping[str, Any]) -> Sample:
    return Sample(date.fromisoformat(data["first"]), date.fromisoformat(data["last"]), data["sessions"])


def _lag_to_dict(lag: Lag) -> dict[str, Any]:
    correlogram = [{"lag": k, "correlation": value} for k, value in lag.correlogram]
    return asdict(lag) | {"text": lag_text(lag), "correlogram": correlogram}


def _lag_from_dict(data: Mapping[str, Any]) -> Lag:
    correlogram = tuple((point["lag"], point["correlation"]) for point in data["correlogram"])
    facts = {name: value for name, value in data.items() if name != "text"}
    return Lag(**(facts | {"correlogram": correlogram}))

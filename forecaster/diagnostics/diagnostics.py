"""All figures about one symbol, with the sample behind them; to and from JSON.

A sample below `MIN_SESSIONS` has no figures: a section says "insufficient data" instead of a number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Any, Final, TypeVar

from forecaster.diagnostics.bias import Bias, block_bias
from forecaster.diagnostics.block import Block
from forecaster.diagnostics.coverage import Coverage, LevelCoverage, block_coverage
from forecaster.diagnostics.errors import Errors, block_errors, yardsticks
from forecaster.diagnostics.lag import Lag, block_lag
from forecaster.diagnostics.record import Floats, ForecastRecord
from forecaster.diagnostics.significance import Significance, block_significance
from forecaster.diagnostics.verdict import MIN_SESSIONS, Verdict, VerdictCode, aged, lag_text, too_few, verdict

INSUFFICIENT: Final = "insufficient data"


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
    bias: Bias | None
    lag: Lag | None
    significance: Significance | None
    coverage: Coverage | None
    verdict: Verdict
    undated: int = 0

    @property
    def sessions(self) -> int:
        """How many sessions are behind the figures."""
        return self.sample.sessions if self.sample else self.undated


def diagnose(
    record: ForecastRecord,
    in_sample_mae: float | None,
    in_sample_mse: float | None = None,
    *,
    as_of_gap: int | None = None,
) -> Diagnostics:
    """All figures of a record; only the sample and the verdict below `MIN_SESSIONS`.

    Args:
        record: forecasts with their outcomes.
        in_sample_mae, in_sample_mse: see `errors.errors`.
        as_of_gap: see `verdict.verdict`.

    Raises:
        ValueError: a yardstick is negative or not finite.
    """
    return diagnose_block(Block.of(record), *yardsticks(in_sample_mae, in_sample_mse), as_of_gap=as_of_gap)[0]


def diagnose_block(
    block: Block, in_sample_mae: Floats, in_sample_mse: Floats, *, as_of_gap: int | None = None
) -> list[Diagnostics]:
    """`diagnose` for every record in a block.

    Args:
        block: m records.
        in_sample_mae, in_sample_mse: `(m,)`, see `errors.errors`; NaN if unknown.
        as_of_gap: see `verdict.verdict`.
    """
    n = block.n
    spans = zip(block.session[:, 0].tolist(), block.session[:, -1].tolist(), strict=True)
    samples = [Sample(first, last, n) for first, last in spans]
    if n < MIN_SESSIONS:
        return [Diagnostics(sample, None, None, None, None, None, too_few(n)) for sample in samples]
    return [
        Diagnostics(
            sample,
            error,
            shift,
            delay,
            tests,
            interval,
            verdict(n, error, shift, delay, tests, interval, as_of_gap=as_of_gap),
        )
        for sample, error, shift, delay, tests, interval in zip(
            samples,
            block_errors(block, in_sample_mae, in_sample_mse),
            block_bias(block),
            block_lag(block),
            block_significance(block),
            block_coverage(block),
            strict=True,
        )
    ]


def insufficient(n: int = 0) -> Diagnostics:
    """The diagnostics of a symbol without evidence.

    Args:
        n: sessions known of, fewer than `MIN_SESSIONS`.

    Raises:
        ValueError: `n` sessions would be sufficient, or `n` is negative.
    """
    if not 0 <= n < MIN_SESSIONS:
        raise ValueError(f"insufficient: expected 0 <= n < {MIN_SESSIONS}, received {n}")
    return Diagnostics(None, None, None, None, None, None, too_few(n), undated=n)


def to_dict(diagnostics: Diagnostics) -> dict[str, Any]:
    """JSON-ready form: `sample`, `errors`, `bias`, `lag`, `significance`, `coverage`, and `verdict` beside them.

    A section that is None becomes `{"status": "insufficient data", "needed": 60, "sessions": n}`.
    """
    found = diagnostics
    missing = {"status": INSUFFICIENT, "needed": MIN_SESSIONS, "sessions": found.sessions}
    return {
        "sample": _sample_to_dict(found.sample) if found.sample else dict(missing),
        "errors": _flat(found.errors) if found.errors else dict(missing),
        "bias": _flat(found.bias) if found.bias else dict(missing),
        "lag": _lag_to_dict(found.lag) if found.lag else dict(missing),
        "significance": _flat(found.significance) if found.significance else dict(missing),
        "coverage": _coverage_to_dict(found.coverage) if found.coverage else dict(missing),
        "verdict": _verdict_to_dict(found.verdict),
    }


def from_dict(data: Mapping[str, Any]) -> Diagnostics:
    """The inverse of `to_dict`. What an earlier version did not write is None.

    Raises:
        KeyError, TypeError, ValueError: `data` did not come from `to_dict`.
    """

    def section(name: str) -> dict[str, Any] | None:
        found: dict[str, Any] = data[name]
        return None if found.get("status") == INSUFFICIENT else found

    sample, error, delay = section("sample"), section("errors"), section("lag")
    tests, interval = section("significance"), section("coverage")
    shift = section("bias") if "bias" in data else None
    return Diagnostics(
        sample=_sample_from_dict(sample) if sample else None,
        errors=_filled(Errors, error) if error else None,
        bias=_filled(Bias, shift) if shift else None,
        lag=_lag_from_dict(delay) if delay else None,
        significance=_filled(Significance, tests) if tests else None,
        coverage=_coverage_from_dict(interval) if interval else None,
        verdict=_verdict_from_dict(data["verdict"]),
        undated=0 if sample else data["sample"]["sessions"],
    )


def completed(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Figures as `to_dict` writes them now, from what it or an earlier version wrote. Raises as `from_dict`."""
    whole = data.keys() == _SECTIONS and all(
        data[name].keys() in (_MISSING, expected) for name, expected in _FIELDS.items()
    )
    return data if whole else to_dict(from_dict(data))


def aged_figures(figures: Mapping[str, Any], as_of_gap: int | None) -> dict[str, Any]:
    """Figures as `to_dict` writes them, with the verdict for a forecast made later (see `verdict.aged`).

    Args:
        figures: whole ones, of which nothing is changed.
        as_of_gap: as in `verdict.verdict`.
    """
    found = _verdict_from_dict(figures["verdict"])
    later = aged(found, as_of_gap)
    return {**figures, "verdict": figures["verdict"] if later is found else _verdict_to_dict(later)}


Section = TypeVar("Section", Errors, Bias, Significance, Coverage)


def _filled(kind: type[Section], data: Mapping[str, Any]) -> Section:
    """A section whose missing fields are None."""
    values: dict[str, Any] = {field.name: None for field in fields(kind)}
    return kind(**(values | dict(data)))


def _flat(section: Errors | Bias | Lag | Significance | Coverage | LevelCoverage) -> dict[str, Any]:
    """A section's fields by name. `dataclasses.asdict` would copy every number, ten times as slowly."""
    return {name: getattr(section, name) for name in section.__dataclass_fields__}


def _sample_to_dict(sample: Sample) -> dict[str, Any]:
    return {"first": sample.first.isoformat(), "last": sample.last.isoformat(), "sessions": sample.sessions}


def _sample_from_dict(data: Mapping[str, Any]) -> Sample:
    return Sample(date.fromisoformat(data["first"]), date.fromisoformat(data["last"]), data["sessions"])


def _lag_to_dict(lag: Lag) -> dict[str, Any]:
    correlogram = [{"lag": k, "correlation": value} for k, value in lag.correlogram]
    return _flat(lag) | {"text": lag_text(lag), "correlogram": correlogram}


def _lag_from_dict(data: Mapping[str, Any]) -> Lag:
    correlogram = tuple((point["lag"], point["correlation"]) for point in data["correlogram"])
    facts = {name: value for name, value in data.items() if name != "text"}
    return Lag(**(facts | {"correlogram": correlogram}))


def _coverage_to_dict(coverage: Coverage) -> dict[str, Any]:
    return _flat(coverage) | {"levels": [_flat(one) for one in coverage.levels]}


def _coverage_from_dict(data: Mapping[str, Any]) -> Coverage:
    levels = tuple(LevelCoverage(**one) for one in data.get("levels", ()))
    return _filled(Coverage, {**data, "levels": levels})


def _verdict_to_dict(verdict: Verdict) -> dict[str, Any]:
    codes = [code.value for code in verdict.codes]
    return {"code": verdict.code.value, "text": verdict.text, "text_zh": verdict.text_zh, "codes": codes}


def _verdict_from_dict(data: Mapping[str, Any]) -> Verdict:
    codes = tuple(VerdictCode(code) for code in data.get("codes", ()))
    return Verdict(VerdictCode(data["code"]), data["text"], data.get("text_zh", ""), codes)


def _names(kind: type[Sample | Errors | Bias | Lag | Significance | Coverage | Verdict]) -> frozenset[str]:
    return frozenset(field.name for field in fields(kind))


# What a whole document has: its sections, and what stands in each of them where data suffice.
_FIELDS: Final[Mapping[str, frozenset[str]]] = {
    "sample": _names(Sample),
    "errors": _names(Errors),
    "bias": _names(Bias),
    "lag": _names(Lag) | {"text"},
    "significance": _names(Significance),
    "coverage": _names(Coverage),
    "verdict": _names(Verdict),
}
_SECTIONS: Final = _FIELDS.keys()
_MISSING: Final = frozenset(("status", "needed", "sessions"))

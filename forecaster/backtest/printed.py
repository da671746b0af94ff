"""A summary for people: rows of a table, and a few plain sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from forecaster.backtest.contest import SIZE, Comparison
from forecaster.backtest.estimates import Estimate
from forecaster.backtest.figures import Figures, ModelSummary, Summary
from forecaster.diagnostics.verdict import ALPHA
from forecaster.diagnostics.wording import p_cell, p_value, share

COLUMNS: Final = (
    "model",
    "pinball",
    "MAE",
    "p",
    "direction",
    "RankIC",
    "ICIR",
    "held",
    "better",
    "lag",
    "verdict",
)

_NONE: Final = "-"


def printed(summary: Summary) -> list[tuple[str, ...]]:
    """A row a model under `COLUMNS`, the best first."""
    return [_row(one) for one in summary.models]


def explained(summary: Summary) -> str:
    """What the columns are, for below the table."""
    widest = next((one.figures.intervals[-1].level for one in summary.models if one.figures), None)
    held = "" if widest is None else f"held: closes within the {share(widest)} interval. "
    return (
        f"pinball, MAE: loss by that of {summary.baseline}, ± its standard error over sessions. p: that the MAE "
        f"differs by chance. {held}better: symbols on which it beats {summary.baseline}, after allowing for as many "
        f"tests. lag: sessions by which the forecast trails. *: may be the best, with {share(1.0 - SIZE)} confidence."
    )


def sentences(summary: Summary) -> list[str]:
    """Which model is best, whether it beats the baseline, and how sure that is."""
    best = summary.best
    if best.figures is None:
        return [best.verdict.text]
    over = f"{_counted(summary.symbols, 'symbol')} and {_counted(summary.sessions, 'session')}"
    return [
        f"{_ranked(summary)}, judged on {over} by the mean pinball loss of the quantiles.",
        *_against(summary, best, best.figures),
        *([summary.note] if summary.note else []),
    ]


def _ranked(summary: Summary) -> str:
    count, first = len(summary.models), summary.best.model
    rivals = [one.model for one in summary.models[1:] if one.figures is not None and one.figures.may_be_best]
    if count == 1:
        return f"{first} is the only model"
    if not rivals:
        return f"{first} is the best of {count} models, with {share(1.0 - SIZE)} confidence"
    return f"{first} is ranked first of {count} models, but {_listed(rivals)} may be as good"


def _against(summary: Summary, best: ModelSummary, figures: Figures) -> list[str]:
    """Whether the model ranked first beats the baseline, by its median, by its quantiles, and symbol by symbol."""
    other = _called(summary.baseline)
    tests = figures.against_baseline
    if tests is None:
        return [f"No model has a smaller loss than the baseline, {other}."] if len(summary.models) > 1 else []
    point = _compared(figures.mae_ratio, tests.absolute)
    told = {
        "": f"Its point forecast (the median) cannot be told from {other}: {point}.",
        "better": f"Its point forecast (the median) beats {other}: {point}.",
        "worse": f"Its point forecast (the median) is worse than {other}: {point}.",
    }[_side(tests.absolute)]
    if tests.absolute is None and figures.mae_ratio.value is not None and abs(figures.mae_ratio.value - 1.0) < 1e-9:
        told = f"Its point forecast (the median) is that of {other}; only its intervals differ."
    found = [told, f"The whole forecast, quantiles included: {_compared(figures.pinball_ratio, tests.pinball)}."]
    won = figures.winners
    if won is not None and won.tested > 1:
        found.append(
            f"Taken one by one, it beats {other} on {won.beat} of {won.tested} symbols; {won.remain} of them "
            f"remain{'s' if won.remain == 1 else ''} when {won.tested} tests are allowed for "
            f"(false discovery rate {share(ALPHA)})."
        )
    return found


def _compared(ratio: Estimate, test: Comparison | None) -> str:
    if ratio.value is None:
        return "the baseline's loss is zero, so that nothing can be compared"
    less = 1.0 - ratio.value
    side = "smaller" if less >= 0.0 else "larger"
    text = f"the loss is {_share(abs(less))} {side}"
    if ratio.interval is None:
        return text
    low, high = sorted((1.0 - end) * (1.0 if less >= 0.0 else -1.0) for end in ratio.interval)
    sure = "" if test is None else f", {p_value(test.p_value)}"
    return f"{text} (95 % interval {_share(low)} to {_share(high)}{sure})"


def _side(test: Comparison | None) -> str:
    if test is None or test.p_value >= ALPHA:
        return ""
    return "better" if test.statistic < 0.0 else "worse"


def _row(one: ModelSummary) -> tuple[str, ...]:
    figures = one.figures
    if figures is None:
        return (one.model, *[_NONE] * (len(COLUMNS) - 2), one.verdict.code.value.replace("_", " "))
    test = figures.against_baseline.absolute if figures.against_baseline else None
    ranks, widest = figures.ranks, figures.intervals[-1] if figures.intervals else None
    won, lag = figures.winners, figures.lag
    return (
        f"{one.model}{' *' if figures.may_be_best else ''}",
        _estimate(figures.pinball_ratio),
        _estimate(figures.mae_ratio),
        _NONE if test is None else p_cell(test.p_value).replace(" ", ""),
        _NONE if figures.directional_accuracy.value is None else f"{figures.directional_accuracy.value:.3f}",
        _NONE if ranks is None else _estimate(Estimate(ranks.rank_ic, ranks.rank_ic_error), 3),
        _NONE if ranks is None or ranks.rank_icir is None else f"{ranks.rank_icir:.2f}",
        _NONE if widest is None or widest.observed.value is None else share(widest.observed.value),
        _NONE if won is None else f"{won.remain}/{won.tested}",
        _NONE if lag.best_lag is None else str(lag.best_lag),
        one.verdict.code.value.replace("_", " "),
    )


def _estimate(found: Estimate, digits: int = 4) -> str:
    if found.value is None:
        return _NONE
    error = "" if found.error is None else f" ±{found.error:.{digits}f}"
    return f"{found.value:z.{digits}f}{error}"


def _share(value: float) -> str:
    """A share in percent that may be negative, with two figures."""
    return f"{100.0 * value:z.1f} %" if abs(value) >= 0.001 or value == 0.0 else f"{100.0 * value:z.2f} %"


def _called(baseline: str) -> str:
    return "yesterday's close" if baseline == "naive" else baseline


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"

"""Verdicts in English: for each code one sentence at the head of a verdict, and a shorter one further on."""

from __future__ import annotations

from forecaster.diagnostics.reasons import Reasons, VerdictCode
from forecaster.diagnostics.wording import p_value, percent, sessions, share

JOINED = " "
"""What stands between two sentences."""


def head(code: VerdictCode, reasons: Reasons) -> str:
    """The sentence that a verdict begins with. Stale and insufficient data have their own functions."""
    over = f"Over {sessions(reasons.n)} this model"
    match code:
        case VerdictCode.BEATS_NAIVE:
            return f"{over} beats yesterday's close: {_error(reasons)}"
        case VerdictCode.WORSE_THAN_NAIVE:
            return f"{over} is worse than yesterday's close: {_error(reasons)}{_late(reasons)}"
        case VerdictCode.ECHOES_YESTERDAY:
            echo = f"its changes follow the close's by 1 session, correlation {reasons.echo:.2f}"
            return f"{over} echoes yesterday's price ({echo}) and {_error(reasons)}"
        case VerdictCode.OVERCONFIDENT:
            return f"{over} is overconfident: {_interval(reasons)}"
        case VerdictCode.BIASED:
            return f"{over} is biased: {_bias(reasons)}"
        case _:
            return f"{over} {_not_better(reasons)}"


def further(code: VerdictCode, reasons: Reasons) -> str:
    """The sentence of a code that holds beside the one at the head."""
    match code:
        case VerdictCode.BEATS_NAIVE:
            return _capital(_error(reasons))
        case VerdictCode.WORSE_THAN_NAIVE:
            return f"{_capital(_error(reasons))}{_late(reasons)}"
        case VerdictCode.ECHOES_YESTERDAY:
            return _echo(reasons)
        case VerdictCode.OVERCONFIDENT:
            return _capital(_interval(reasons))
        case VerdictCode.BIASED:
            return _capital(_bias(reasons))
        case _:
            return f"It {_not_better(reasons)}"


def too_few(n: int, needed: int) -> str:
    """`n` sessions, fewer than the `needed` ones."""
    return f"insufficient data: {sessions(n)}, at least {needed} are needed"


def stale(gap: int, limit: int) -> str:
    """The evidence ends `gap` sessions before the forecast, more than `limit`."""
    return f"Its evidence is stale: it ends {sessions(gap)} before this forecast, more than {limit}."


def _echo(reasons: Reasons) -> str:
    measured = f"(lag 1, correlation {reasons.echo:.2f})"
    if reasons.better:
        return (
            f"On a chart it still looks like an echo of yesterday's price {measured}, "
            "as all forecasts of small moves do."
        )
    return f"Its forecast is an echo of yesterday's price {measured}."


def _error(reasons: Reasons) -> str:
    test = f" ({p_value(reasons.p)})" if reasons.p is not None else ""
    return f"its error is {_compared(reasons.skill)} that of simply repeating yesterday's close{test}."


def _compared(skill: float | None) -> str:
    if skill is None:  # the last close was never wrong
        return "larger than"
    return f"{percent(abs(skill))} {'smaller' if skill > 0.0 else 'larger'} than"


def _late(reasons: Reasons) -> str:
    """A sentence where the forecast is nearest to an older close than the naive forecast itself is."""
    back = reasons.level_lag
    if back is None or back < 2:
        return ""
    return f" It runs late: it is nearest to the close {sessions(back)} before the one that it is for."


def _not_better(reasons: Reasons) -> str:
    if reasons.p is not None:
        return f"did not beat yesterday's close ({p_value(reasons.p)})."
    if reasons.same:
        return "did not beat yesterday's close: in every session its error equals that of repeating it."
    return (
        "could not be shown to beat yesterday's close: the two errors differ by the same amount in every "
        "session, which no test can tell from chance."
    )


def _interval(reasons: Reasons) -> str:
    test = f" ({p_value(reasons.coverage_p)})" if reasons.coverage_p is not None else ""
    return f"its {share(reasons.level)} interval held only {share(reasons.observed)} of the closes{test}."


def _bias(reasons: Reasons) -> str:
    test = p_value(reasons.bias_p) if reasons.bias_p is not None else ""
    if reasons.shift is not None:
        side = "high" if reasons.shift > 0.0 else "low"
        return f"its forecasts are too {side} by {percent(abs(reasons.shift))} of the price on average ({test})."
    slope = reasons.slope or 0.0
    measured = f"(slope {slope:.2f}, where 1 is right; {test})"
    if slope <= 0.0:
        return f"the close does not follow the moves that it forecasts {measured}."
    return f"the moves that it forecasts are too {'large' if slope < 1.0 else 'small'} {measured}."


def _capital(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:]

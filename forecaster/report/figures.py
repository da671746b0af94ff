"""The figures in words: what each is called, what it comes to, and what that means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from forecaster.diagnostics.bias import Bias
from forecaster.diagnostics.coverage import Coverage
from forecaster.diagnostics.diagnostics import Diagnostics
from forecaster.diagnostics.errors import Errors
from forecaster.diagnostics.lag import MAX_LAG, Lag
from forecaster.diagnostics.significance import Significance
from forecaster.diagnostics.verdict import ALPHA, EQUAL
from forecaster.diagnostics.wording import p_value, percent
from forecaster.report.formats import decimal, percentage, price, signed_price

_UNDEFINED: Final = "not defined"
_CURRENCY: Final = "in the price's currency"
_RULE: Final = f"Below {ALPHA:g} counts as more than chance."


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of a table: name, value, the value's unit in words, and what it means."""

    name: str
    value: str
    unit: str
    meaning: str


def tables(found: Diagnostics) -> dict[str, list[Figure]]:
    """A symbol's figures by the question that they answer; no table where data are insufficient."""
    groups = {
        "How wrong?": _errors(found.errors) if found.errors else [],
        "Is it biased?": _bias(found.bias, found.errors) if found.bias and found.errors else [],
        "How late?": _lag(found.lag) if found.lag else [],
        "Could it be chance?": _significance(found.significance, found.errors.directional_accuracy)
        if found.significance and found.errors
        else [],
        "Does the interval hold?": _coverage(found.coverage) if found.coverage else [],
    }
    return {question: figures for question, figures in groups.items() if figures}


def _errors(found: Errors) -> list[Figure]:
    return [
        _skill(found.skill_vs_naive),
        Figure(
            "Mean absolute error", price(found.mae), _CURRENCY, "By how much a forecast missed the close, on average."
        ),
        Figure(
            "The same as a share", percentage(found.mape), "of the price", "Lets symbols be compared with each other."
        ),
        Figure(
            "Root mean squared error",
            price(found.rmse),
            _CURRENCY,
            "The same miss, with large misses counted for more.",
        ),
        _ratio(
            "MASE", found.mase, "usual daily moves", "The miss, measured by how far the price used to move in a day."
        ),
        _ratio(
            "RMSSE", found.rmsse, "usual daily moves", "The same with large misses and large moves counted for more."
        ),
        _ratio(
            "Theil's U2",
            found.theil_u2,
            "times the naive error",
            "Root mean squared error against yesterday's close's: below 1 is better.",
        ),
        _explained(found.r2_out_of_sample),
        *_pinball(found),
    ]


def _explained(share: float | None) -> Figure:
    name = "Out-of-sample R²"
    if share is None:
        return Figure(name, _UNDEFINED, "", "The close never moved: there is nothing to explain.")
    meaning = "How much of the close's moves was foreseen. Below zero: less than by expecting none."
    return Figure(name, percentage(share, 2), "of squared moves", meaning)


def _pinball(found: Errors) -> list[Figure]:
    loss, meaning = found.pinball, "The miss of the whole predicted range, not of its middle only."
    if loss is None:
        return []
    figures = [Figure("Pinball loss", price(loss), _CURRENCY, meaning)]
    if found.pinball_skill is not None:
        figures.append(
            _compared(
                "Range against yesterday's close",
                found.pinball_skill,
                "loss",
                "The same, compared with yesterday's close, spread as the price used to move.",
            )
        )
    return figures


def _bias(found: Bias, errors: Errors) -> list[Figure]:
    figures = [
        Figure("Bias", signed_price(errors.bias), _CURRENCY, "Above zero the forecasts were too high on average."),
    ]
    if found.mean is not None:
        meaning = "Relative to the close before, so that symbols can be compared with each other."
        figures.append(Figure("The same as a share", percentage(found.mean, 2), "of the price", meaning))
    return [
        *figures,
        _p("Bias, by chance", found.p_value, f"How easily chance alone shifts the forecasts so far. {_RULE}"),
        _ratio(
            "Slope",
            found.slope,
            "1 is right",
            "How far the close went for each step that was forecast. Below 1 the moves forecast were too large.",
        ),
        _p(
            "Slope and shift, by chance",
            found.mz_p_value,
            f"How easily chance alone makes forecasts of the right size look so wrong. {_RULE}",
        ),
    ]


def _skill(skill: float | None) -> Figure:
    name, meaning = "Against yesterday's close", "The mean error, compared with repeating yesterday's close."
    if skill is None:
        return Figure(name, _UNDEFINED, "", "Yesterday's close was never wrong: there is nothing to compare with.")
    return _compared(name, skill, "error", meaning)


def _compared(name: str, skill: float, what: str, meaning: str) -> Figure:
    if abs(skill) < EQUAL:
        return Figure(name, "0 %", f"no difference in {what}", meaning)
    return Figure(name, percent(abs(skill)), f"{'smaller' if skill > 0.0 else 'larger'} {what}", meaning)


def _lag(found: Lag) -> list[Figure]:
    return [
        _delay(
            "Best lag",
            found.best_lag,
            "",
            "The delay at which the forecast's changes are most like the close's. 0: on time. 1: an echo of yesterday.",
        ),
        _ratio(
            "Correlation there",
            found.correlation,
            "of 1 at most",
            "How alike the changes are at that delay. Near 0: hardly.",
        ),
        _ratio(
            "Echo", found.echo, "of 1 at most", "The same at a delay of one session: how much of yesterday is repeated."
        ),
        _delay(
            "Nearest close",
            found.level_lag,
            " back",
            f"Which close, 0 to {MAX_LAG} sessions back, the forecast is nearest to. The one it is for: 0.",
        ),
    ]


def _significance(found: Significance, right: float) -> list[Figure]:
    return [
        _p(
            "Error, by chance",
            found.dm_p_value,
            f"How easily chance alone makes such a difference to yesterday's close. {_RULE}",
        ),
        _ratio(
            "Diebold-Mariano",
            found.diebold_mariano,
            "standard errors",
            "That difference, in units of its uncertainty. Below zero the model is better.",
        ),
        _p("Squared error, by chance", found.dm_squared_p_value, "The same test with large misses counted for more."),
        *_range(found),
        Figure("Direction", percentage(right), "of sessions right", "Up or down. A coin gets about half of them."),
        _p(
            "Direction, by chance",
            found.pt_p_value,
            f"How easily guessing alone gets so many directions right. {_RULE}",
        ),
    ]


def _range(found: Significance) -> list[Figure]:
    if found.dm_pinball_p_value is None:
        return []
    meaning = "The same test of the whole predicted range against yesterday's close, spread as the price used to move."
    return [_p("Range, by chance", found.dm_pinball_p_value, meaning)]


def _coverage(found: Coverage) -> list[Figure]:
    return [
        Figure("Promised", percentage(found.level, 0), "of closes inside", "What the interval says of itself."),
        Figure("Kept", percentage(found.observed), "of closes inside", "How many closes really were inside."),
        _p(
            "Kept, by chance",
            found.kupiec_p_value,
            f"How easily chance alone sets kept and promised so far apart. {_RULE}",
        ),
        *_runs(found),
        Figure("Mean width", price(found.mean_width), _CURRENCY, "From the lower end to the upper: narrow says more."),
    ]


def _runs(found: Coverage) -> list[Figure]:
    if found.independence_p_value is None:
        return []
    return [
        _p(
            "Misses in a row, by chance",
            found.independence_p_value,
            f"How easily chance alone makes one miss follow another so often, or so seldom. {_RULE}",
        ),
        _p("Both, by chance", found.christoffersen_p_value, "How many misses there are and how they follow, at once."),
    ]


def _ratio(name: str, value: float | None, unit: str, meaning: str) -> Figure:
    if value is None:
        return Figure(name, _UNDEFINED, "", meaning)
    return Figure(name, decimal(value, 2), unit, meaning)


def _p(name: str, value: float | None, meaning: str) -> Figure:
    if value is None:
        return Figure(name, _UNDEFINED, "", "The test cannot be made: nothing varies that it could measure by.")
    return Figure(name, p_value(value), "probability", meaning)


def _delay(name: str, value: int | None, side: str, meaning: str) -> Figure:
    if value is None:
        return Figure(name, _UNDEFINED, "", "Nothing moved, so that no delay can be seen.")
    return Figure(name, str(value), f"{'session' if value == 1 else 'sessions'}{side}", meaning)

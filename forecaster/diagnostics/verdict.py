"""The figures in one sentence: does this model beat repeating yesterday's close?

The rules are tried in order; the first that holds gives the code:

1. fewer than `MIN_SESSIONS` sessions: insufficient data, whatever the figures;
2. Diebold-Mariano on absolute loss below zero with p < `ALPHA`: beats the last close;
3. above zero with p < `ALPHA`: an echo of yesterday, or otherwise worse than the last close;
4. anything else: no better than the last close.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from forecaster.diagnostics.errors import Errors
from forecaster.diagnostics.lag import Lag
from forecaster.diagnostics.significance import Significance
from forecaster.diagnostics.wording import p_value, percent, sessions

MIN_SESSIONS = 60
"""About a quarter of trading. With fewer, one earnings day can turn every figure round."""

ALPHA = 0.05
"""The customary error rate: one model in twenty without merit or fault is called better or worse."""

ECHO = 0.5
"""From here on a quarter of the changes' variance is shared (r squared): what may be called a relation."""

EQUAL = 1e-9
"""A skill nearer to zero than this, where the test is undefined, is rounding: the errors are the same."""


class VerdictCode(StrEnum):
    """All verdicts there are."""

    BEATS_NAIVE = "beats_naive"
    NO_BETTER_THAN_NAIVE = "no_better_than_naive"
    WORSE_THAN_NAIVE = "worse_than_naive"
    ECHOES_YESTERDAY = "echoes_yesterday"
    INSUFFICIENT_DATA = "insufficient_data"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A code for programs, a text for people."""

    code: VerdictCode
    text: str


def verdict(n: int, errors: Errors, lag: Lag, significance: Significance) -> Verdict:
    """The verdict on a model from its figures over `n` sessions."""
    if n < MIN_SESSIONS:
        return too_few(n)
    dm, p = significance.diebold_mariano, significance.dm_p_value
    over = f"Over {sessions(n)} this model"
    if dm is None or p is None or p >= ALPHA:
        text = f"{over} {_not_better(errors, p)}"
        if is_echo(lag):
            text += f" Its forecast is an echo of yesterday's price (lag 1, correlation {lag.echo:.2f})."
        return Verdict(VerdictCode.NO_BETTER_THAN_NAIVE, text)
    error = f"its error is {_compared(errors)} that of simply repeating yesterday's close ({p_value(p)})."
    if dm < 0.0:
        return Verdict(VerdictCode.BEATS_NAIVE, f"{over} beats yesterday's close: {error}")
    if is_echo(lag):
        echo = f"its changes follow the close's by 1 session, correlation {lag.echo:.2f}"
        text = f"{over} echoes yesterday's price ({echo}) and {error}"
        return Verdict(VerdictCode.ECHOES_YESTERDAY, text)
    return Verdict(VerdictCode.WORSE_THAN_NAIVE, f"{over} is worse than yesterday's close: {error}{_late(lag)}")


def too_few(n: int) -> Verdict:
    """The verdict on `n` sessions, fewer than `MIN_SESSIONS`."""
    text = f"insufficient data: {sessions(n)}, at least {MIN_SESSIONS} are needed"
    return Verdict(VerdictCode.INSUFFICIENT_DATA, text)


def is_echo(lag: Lag) -> bool:
    """Whether the forecast's changes clearly repeat those of the session before, and none that is to come.

    An undertrained network smooths the past, and its best lag may be two sessions: that is an echo all the same.
    """
    return bool(lag.best_lag) and lag.echo is not None and lag.echo >= ECHO


def lag_text(lag: Lag) -> str:
    """The lag in one sentence: an echo, no delay, a delay of k sessions, or no clear relation."""
    if lag.best_lag is None or lag.correlation is None:
        return "No delay can be measured: the forecast or the close does not vary."
    if lag.correlation < ECHO:
        return (
            "No clear relation between the forecast's changes and the close's: the highest correlation is "
            f"{lag.correlation:.2f}, at a lag of {sessions(lag.best_lag)}."
        )
    if lag.best_lag == 0:
        return f"No delay: the forecast's changes move with the close's (correlation {lag.correlation:.2f})."
    of = "yesterday" if lag.best_lag == 1 else "earlier prices"
    follows = f"changes follow the close's by {sessions(lag.best_lag)} (correlation {lag.correlation:.2f})."
    return f"An echo of {of}: the forecast's {follows}"


def _late(lag: Lag) -> str:
    """A sentence where the forecast is nearest to an older close than the naive forecast itself is."""
    if lag.level_lag is None or lag.level_lag < 2:
        return ""
    return f" It runs late: it is nearest to the close {sessions(lag.level_lag)} before the one that it is for."


def _not_better(errors: Errors, p: float | None) -> str:
    if p is not None:
        return f"did not beat yesterday's close ({p_value(p)})."
    skill = errors.skill_vs_naive
    same = errors.mae == 0.0 if skill is None else abs(skill) < EQUAL
    if same:
        return "did not beat yesterday's close: in every session its error equals that of repeating it."
    return (
        "could not be shown to beat yesterday's close: the two errors differ by the same amount in every "
        "session, which no test can tell from chance."
    )


def _compared(errors: Errors) -> str:
    skill = errors.skill_vs_naive
    if skill is None:  # the last close was never wrong
        return "larger than"
    return f"{percent(abs(skill))} {'smaller' if skill > 0.0 else 'larger'} than"

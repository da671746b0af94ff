"""The figures in plain sentences: does this model beat repeating yesterday's close, and can it be trusted?

Every code that holds is told. The head is the first of these; faults come before merits:

1. insufficient data: fewer than `MIN_SESSIONS` sessions, whatever the figures. Nothing else is said then;
2. stale: more than `STALE_AFTER` sessions between the evidence and the forecast that it is to vouch for;
3. echoes yesterday: worse than the last close, and an echo of it. An echo that is not worse is told, but is no head:
   a forecast of small moves always looks like one;
4. worse than the last close: Diebold-Mariano on absolute loss above zero with p < `ALPHA`;
5. overconfident: the widest interval holds at least `SHORT` fewer closes than it says, with p < `TRUST`;
6. biased: forecasts are off by a constant or a factor, with p < `TRUST` and by more than `SHIFT` or `SLOPE`;
7. beats the last close: Diebold-Mariano below zero with p < `ALPHA`;
8. anything else: no better than the last close.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from forecaster.diagnostics import sentences_en, sentences_zh
from forecaster.diagnostics.bias import Bias
from forecaster.diagnostics.coverage import Coverage
from forecaster.diagnostics.errors import Errors
from forecaster.diagnostics.lag import Lag
from forecaster.diagnostics.reasons import Reasons, VerdictCode
from forecaster.diagnostics.significance import Significance
from forecaster.diagnostics.wording import sessions

__all__ = ["Verdict", "VerdictCode", "aged", "is_echo", "lag_text", "too_few", "verdict"]

MIN_SESSIONS: Final = 60
"""About a quarter of trading. With fewer, one earnings day can turn every figure round."""

STALE_AFTER: Final = 125
"""Half a year of trading: how far apart the refits of the accuracy benchmark are, so how old a model gets there."""

ALPHA: Final = 0.05
"""The customary error rate: one model in twenty without merit or fault is called better or worse."""

TRUST: Final = 0.01
"""The error rate of accusations beyond that. There are two more of them, so that each has to be rarer.

Of honest simulated forecasts over 250 sessions 0.3 % were called overconfident and 1.5 % biased (over 60: 0.5 and 3 %).
"""

ECHO: Final = 0.5
"""From here on a quarter of the changes' variance is shared (r squared): what may be called a relation."""

SHORT: Final = 0.02
"""An interval that keeps 88 of the 90 % that it promises serves all the same, however sure that is."""

SHIFT: Final = 0.05
"""A mean error below a twentieth of the usual one would change no decision, however sure it is."""

SLOPE: Final = 0.5
"""How far the slope may be from 1: beyond, the close moves half as far as forecast, or half as far again."""

EQUAL: Final = 1e-9
"""A skill nearer to zero than this, where the test is undefined, is rounding: the errors are the same."""

_AT_HEAD: Final = (
    VerdictCode.ECHOES_YESTERDAY,
    VerdictCode.WORSE_THAN_NAIVE,
    VerdictCode.OVERCONFIDENT,
    VerdictCode.BIASED,
    VerdictCode.BEATS_NAIVE,
    VerdictCode.NO_BETTER_THAN_NAIVE,
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Codes for programs, texts for people.

    Attributes:
        code: the head.
        text: in English: the head's sentence, then those of the further codes.
        text_zh: the same in Chinese.
        codes: every code that holds, the head first.
    """

    code: VerdictCode
    text: str
    text_zh: str = ""
    codes: tuple[VerdictCode, ...] = ()


def verdict(
    n: int,
    errors: Errors,
    bias: Bias,
    lag: Lag,
    significance: Significance,
    coverage: Coverage,
    *,
    as_of_gap: int | None = None,
) -> Verdict:
    """The verdict on a model from its figures over `n` sessions.

    Args:
        n: sessions judged.
        errors, bias, lag, significance, coverage: the figures.
        as_of_gap: sessions from the last one judged to the newest one that the forecast knows; None: not known.
    """
    if n < MIN_SESSIONS:
        return too_few(n)
    shift, slope, bias_p = _bias(errors, bias)
    dm, p = significance.diebold_mariano, significance.dm_p_value
    decided = dm is not None and p is not None and p < ALPHA
    reasons = Reasons(
        n=n,
        skill=errors.skill_vs_naive,
        same=errors.mae == 0.0 if errors.skill_vs_naive is None else abs(errors.skill_vs_naive) < EQUAL,
        better=decided and (dm or 0.0) < 0.0,
        p=p,
        echo=lag.echo,
        level_lag=lag.level_lag,
        level=coverage.level,
        observed=coverage.observed,
        coverage_p=coverage.kupiec_p_value,
        shift=shift,
        slope=slope,
        bias_p=bias_p,
    )
    codes = _codes(reasons, decided=decided, echo=is_echo(lag))
    # The sentence of an echo that is worse says both.
    rest = codes[2:] if codes[0] is VerdictCode.ECHOES_YESTERDAY else codes[1:]
    english = [sentences_en.head(codes[0], reasons), *(sentences_en.further(code, reasons) for code in rest)]
    chinese = [sentences_zh.head(codes[0], reasons), *(sentences_zh.further(code, reasons) for code in rest)]
    found = Verdict(codes[0], sentences_en.JOINED.join(english), sentences_zh.JOINED.join(chinese), codes)
    return aged(found, as_of_gap)


def aged(found: Verdict, as_of_gap: int | None) -> Verdict:
    """A verdict for a forecast made later: with stale at its head where the evidence is too old by then.

    Args:
        found: the verdict on the evidence.
        as_of_gap: as in `verdict`.
    """
    nothing_to_age = found.code in (VerdictCode.INSUFFICIENT_DATA, VerdictCode.STALE)
    if as_of_gap is None or as_of_gap <= STALE_AFTER or nothing_to_age:
        return found
    return Verdict(
        VerdictCode.STALE,
        sentences_en.JOINED.join([sentences_en.stale(as_of_gap, STALE_AFTER), found.text]),
        sentences_zh.JOINED.join([sentences_zh.stale(as_of_gap, STALE_AFTER), found.text_zh]),
        (VerdictCode.STALE, *(found.codes or (found.code,))),
    )


def too_few(n: int) -> Verdict:
    """The verdict on `n` sessions, fewer than `MIN_SESSIONS`."""
    code = VerdictCode.INSUFFICIENT_DATA
    return Verdict(code, sentences_en.too_few(n, MIN_SESSIONS), sentences_zh.too_few(n, MIN_SESSIONS), (code,))


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


def _codes(reasons: Reasons, *, decided: bool, echo: bool) -> tuple[VerdictCode, ...]:
    """Every code that holds, the head first."""
    worse = decided and not reasons.better
    p = reasons.coverage_p
    holds = {
        VerdictCode.ECHOES_YESTERDAY: echo,
        VerdictCode.WORSE_THAN_NAIVE: worse,
        VerdictCode.OVERCONFIDENT: p is not None and p < TRUST and reasons.level - reasons.observed >= SHORT,
        VerdictCode.BIASED: reasons.bias_p is not None,
        VerdictCode.BEATS_NAIVE: reasons.better,
        VerdictCode.NO_BETTER_THAN_NAIVE: not decided,
    }
    found = [code for code in _AT_HEAD if holds[code]]
    if echo and not worse:
        found.append(found.pop(0))
    return tuple(found)


def _bias(errors: Errors, bias: Bias) -> tuple[float | None, float | None, float | None]:
    """The shift or the slope to tell of, and the p-value that found it; all None where there is none that matters."""
    p = bias.p_value if bias.mz_p_value is None else bias.mz_p_value
    if p is None or not p < TRUST:
        return None, None, None
    shifted = bias.mean is not None and abs(bias.mean) >= SHIFT * errors.mape
    sloped = bias.mz_p_value is not None and bias.slope is not None and abs(bias.slope - 1.0) >= SLOPE
    # The joint test does not say which of the two it found: the mean's own test, or else the slope, does.
    sure = bias.p_value is not None and bias.p_value < TRUST
    if shifted and (sure or not sloped):
        return bias.mean, None, p
    return (None, bias.slope, p) if sloped else (None, None, None)

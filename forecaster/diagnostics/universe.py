"""Many symbols at once: how many beat yesterday's close, how many of them luck leaves over, and who is ranked right.

Of 300 symbols on which a model knows nothing, some look beaten by chance. The line that this makes says so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from forecaster.diagnostics.diagnostics import Diagnostics
from forecaster.diagnostics.multiple import FALSE_DISCOVERIES, benjamini_hochberg, one_sided
from forecaster.diagnostics.ranks import CrossSection, cross_section
from forecaster.diagnostics.verdict import VerdictCode
from forecaster.diagnostics.wording import p_value, share

LEAST: Final = 2
"""Of a single symbol there is nothing to say beyond its own verdict."""


@dataclass(frozen=True, slots=True)
class Universe:
    """What a model's forecasts of many symbols come to.

    Attributes:
        judged: how many symbols had enough sessions.
        tested: how many of them the Diebold-Mariano test could be made for.
        beat: the symbols whose verdict says that yesterday's close is beaten, alone or beside a fault.
        remaining: those of them that remain when `tested` tests are allowed for (Benjamini & Hochberg 1995).
        false_discovery_rate: the share of `remaining` that may be luck [1].
        cross_section: IC, RankIC and ICIR; None with fewer than 5 symbols a session, or too few such sessions.
    """

    judged: int
    tested: int
    beat: tuple[str, ...]
    remaining: tuple[str, ...]
    false_discovery_rate: float
    cross_section: CrossSection | None


def universe(found: Mapping[str, Diagnostics], evidence: pd.DataFrame) -> Universe | None:
    """What the diagnostics of many symbols come to; None where fewer than `LEAST` could be judged.

    Args:
        found: by symbol.
        evidence: the forecasts behind them (see `forecaster.evidence`).
    """
    known = {symbol: one for symbol, one in found.items() if one.significance is not None}
    if len(known) < LEAST:
        return None
    tests = [one.significance for one in known.values() if one.significance]
    statistic = np.array([np.nan if one.diebold_mariano is None else one.diebold_mariano for one in tests])
    two_sided = np.array([np.nan if one.dm_p_value is None else one.dm_p_value for one in tests])
    discovered = benjamini_hochberg(one_sided(statistic, two_sided), FALSE_DISCOVERIES)
    beat = [VerdictCode.BEATS_NAIVE in (one.verdict.codes or (one.verdict.code,)) for one in known.values()]
    return Universe(
        judged=len(known),
        tested=int(np.isfinite(two_sided).sum()),
        beat=tuple(symbol for symbol, beats in zip(known, beat, strict=True) if beats),
        remaining=tuple(
            symbol for symbol, beats, real in zip(known, beat, discovered.tolist(), strict=True) if beats and real
        ),
        false_discovery_rate=FALSE_DISCOVERIES,
        cross_section=_ranked(evidence),
    )


def universe_text(found: Universe) -> str:
    """The same in one or two sentences."""
    text = f"{len(found.beat)} of {found.judged} symbols beat{'s' * (len(found.beat) == 1)} yesterday's close"
    if found.beat:
        text += (
            f"; {len(found.remaining)} of them {'remains' if len(found.remaining) == 1 else 'remain'} when "
            f"{found.tested} tests are allowed for (false discovery rate {share(found.false_discovery_rate)})"
        )
    ranked = found.cross_section
    if ranked is None:
        return f"{text}."
    return (
        f"{text}. Across the {ranked.symbols:g} symbols of a session: IC {ranked.ic:.3f}"
        f"{_sure(ranked.ic_error, ranked.ic_p_value)}, RankIC {ranked.rank_ic:.3f}"
        f"{_sure(ranked.rank_ic_error, ranked.rank_ic_p_value)}, ICIR "
        f"{'not defined' if ranked.icir is None else format(ranked.icir, '.2f')}, over {ranked.days} sessions."
    )


def universe_dict(found: Universe | None) -> dict[str, Any] | None:
    """JSON-ready form, with the text."""
    if found is None:
        return None
    lists = {"beat": list(found.beat), "remaining": list(found.remaining)}
    return asdict(found) | lists | {"text": universe_text(found)}


def _ranked(evidence: pd.DataFrame) -> CrossSection | None:
    before = evidence["previous_close"].to_numpy(dtype="float64")
    p = evidence["0.5"].to_numpy(dtype="float64") / before - 1.0
    r = evidence["actual"].to_numpy(dtype="float64") / before - 1.0
    return cross_section(p, r, evidence["origin"].to_numpy())


def _sure(error: float | None, p: float | None) -> str:
    if error is None or p is None or not math.isfinite(error):
        return ""
    return f" (standard error {error:.3f}, {p_value(p)})"

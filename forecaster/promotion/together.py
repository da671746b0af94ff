"""Two versions and yesterday's close on the same symbols and sessions, which neither version has seen.

The challenger's forecasts are those of its own held-out span. The champion is asked about the same sessions as it would
have been on each day: with the prices up to then and with what was known of its forecasts by then. Sessions that it has
learnt from are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats

from data.errors import TooFewBars
from data.store import PriceStore
from forecaster.backtest.estimates import ratio
from forecaster.bundle import Bundle
from forecaster.diagnostics.pinball import pinball_loss
from forecaster.diagnostics.record import Floats
from forecaster.diagnostics.table import column, naive_column
from forecaster.evidence import evidence
from forecaster.forecast import interval_level
from forecaster.promotion.evidence import Compared, Covered, Span

_KEY = ["symbol", "origin"]


@dataclass(frozen=True, slots=True)
class Together:
    """What the two show on the same sessions; see `evidence.Evidence`."""

    span: Span | None
    versus_champion: Compared | None
    versus_naive: Compared | None
    coverage: Covered | None


def together(challenger: Bundle, champion: Bundle | None, store: PriceStore) -> Together:
    """Both on the sessions that neither has seen.

    Args:
        challenger: its held-out forecasts count.
        champion: what serves; None where nothing does.
        store: the prices, of which the version is read that the challenger was trained on.

    Raises:
        CorruptBundle: a file is not the one that was written.
        DataError: the prices cannot be read.
    """
    own = challenger.evidence()
    other = None
    if champion is not None:
        own = own[own["session"] > pd.Timestamp(champion.trained_through)]
        other = _asked(champion, own, store, int(challenger.manifest["data"]["version"]))
        own = own.merge(other[_KEY], on=_KEY)
    if own.empty:
        return Together(None, None, None, None)
    levels = challenger.spec.quantiles
    naive = own[own[naive_column(levels[0])].notna()]
    return Together(
        span=_span(own),
        versus_champion=None if champion is None or other is None else _versus(own, other, levels, champion),
        versus_naive=compared(_losses(naive, levels), _losses(naive, levels, naive=True), naive["session"]),
        coverage=_coverage(own, levels),
    )


def compared(losses: Floats, others: Floats, sessions: pd.Series[pd.Timestamp]) -> Compared:
    """The ratio of mean losses, and how probable so low a one is by chance.

    The symbols of a session move together, so that sessions are counted and not forecasts: by Student's t of the
    ratio's Newey-West error.

    Args:
        losses, others: `(n,)`, in one unit.
        sessions: `(n,)`, the session of each.
    """
    if not len(losses):
        return Compared(None, None, None)
    place, days = pd.factorize(sessions, sort=True)
    totals = [np.bincount(place, weights=one, minlength=len(days)).astype(np.float64) for one in (losses, others)]
    found = ratio(*totals)
    p_value = None
    if found.value is not None and found.error:
        p_value = float(stats.t.cdf((found.value - 1.0) / found.error, len(days) - 1))
    return Compared(found.value, found.error, p_value)


def _asked(champion: Bundle, wanted: pd.DataFrame, store: PriceStore, version: int) -> pd.DataFrame:
    """The champion's forecasts of the wanted symbols and origins, as far as it has any."""
    model = champion.model()
    # Its calibration after its own held-out span has seen outcomes that may come later than the first wanted ones.
    model = replace(model, calibration=model.before or model.calibration)
    symbols = [str(symbol) for symbol in wanted["symbol"].unique()]
    stored = set(store.summary(version)["symbol"])
    found = pd.DataFrame({"symbol": [], "origin": []}).astype(wanted[_KEY].dtypes.to_dict())
    if not symbols:
        return found
    try:
        windows = model.windows(store.read(sorted(stored & set(model.reads(symbols))), version=version))
    except TooFewBars:
        return found
    windows = windows.take(windows.known)
    keys = pd.DataFrame({"symbol": windows.symbols, "origin": windows.origin.astype("datetime64[s]")})
    judged = keys.reset_index().merge(wanted[_KEY], on=_KEY)["index"].to_numpy()
    return evidence(model, windows, np.sort(judged))[0] if len(judged) else found


def _versus(own: pd.DataFrame, other: pd.DataFrame, levels: Sequence[float], champion: Bundle) -> Compared:
    both = own[_KEY].merge(other, on=_KEY)  # in the order of `own`
    shared = [level for level in levels if level in champion.spec.quantiles]
    return compared(_losses(own, shared), _losses(both, shared), own["session"])


def _losses(table: pd.DataFrame, levels: Sequence[float], *, naive: bool = False) -> Floats:
    """`(n,)` mean pinball losses, relative to the last close."""
    close = table["previous_close"].to_numpy()
    names = [naive_column(level) if naive else column(level) for level in levels]
    quantiles = table[names].to_numpy() / close[:, None]
    losses: Floats = pinball_loss(quantiles.T, table["actual"].to_numpy() / close, levels)
    return losses


def _coverage(table: pd.DataFrame, levels: Sequence[float]) -> Covered | None:
    if len(levels) < 2:
        return None
    inside = table["actual"].between(table[column(levels[0])], table[column(levels[-1])])
    return Covered(interval_level(levels), float(inside.mean()))


def _span(table: pd.DataFrame) -> Span:
    sessions = table["session"]
    return Span(sessions.min().date(), sessions.max().date(), sessions.nunique(), table["symbol"].nunique(), len(table))

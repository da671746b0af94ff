"""How published forecasts have done, now that more of their outcomes are known."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

import pandas as pd

from forecaster.diagnostics.table import column
from forecaster.forecast import interval_level
from forecaster.ledger.outcomes import joined, level_columns
from forecaster.pipeline.place import Outcome, Place

# The record of so many sessions says how the model does of late.
_SESSIONS: Final = 60


def score(place: Place) -> Outcome:
    """Compare what was said with what came: since the pass before, and over the last quarter.

    Raises:
        LedgerError, DataError: the ledger or the prices cannot be read.
    """
    store = place.store
    published = place.ledger.read(place.record.name, step=1)
    if published.empty:
        return Outcome("nothing was published yet", skipped=True)
    stored = set(store.newest()["symbol"])
    published = published[published["symbol"].isin(stored)]
    newest = sorted(published["as_of"].unique())[-_SESSIONS - 1 :]
    published = published[published["as_of"] >= newest[0]] if newest else published
    if published.empty:
        return Outcome("of none of the shares that were forecast there are prices", skipped=True)
    bars = store.read(sorted(published["symbol"].unique()), start=newest[0].date())
    table = joined(published, bars)
    known = table[table["session"].notna()]
    before = place.passes.before(place.record.key)
    since = None if before is None else before.session
    new = known if since is None else known[known["session"] > pd.Timestamp(since)]
    fresh = figures(new)
    evidence = {
        "since": None if since is None else f"{since}",
        "pending": int(table["session"].isna().sum()),
        "new": fresh,
        "recent": figures(known),
    }
    return Outcome(_text(fresh, since), evidence)


def figures(known: pd.DataFrame) -> dict[str, Any]:
    """What some forecasts show; None where it is not defined.

    Args:
        known: rows of `joined` that have an outcome.
    """
    base = known["previous_close"]
    error = (known[column(0.5)] - known["actual"]).abs() / base
    naive = (known["actual"] - base).abs() / base
    levels = [name for name in level_columns(known) if known[name].notna().all()]
    wide = len(levels) > 1 and len(known) > 0
    inside = known["actual"].between(known[levels[0]], known[levels[-1]]).mean() if wide else None
    return {
        "forecasts": len(known),
        "sessions": int(known["session"].nunique()),
        "mae": float(error.mean()) if len(known) else None,
        "mae_by_naive": float(error.sum() / naive.sum()) if naive.sum() > 0 else None,
        "promised": interval_level([float(name) for name in levels]) if wide else None,
        "covered": None if inside is None else float(inside),
    }


def _text(found: dict[str, Any], since: date | None) -> str:
    if not found["forecasts"]:
        return "no outcome came" + ("" if since is None else f" since {since}")
    ratio, covered = found["mae_by_naive"], found["covered"]
    parts = [f"{found['forecasts']:,} outcomes came"]
    if ratio is not None:
        parts.append(f"the errors are {ratio:.3f} times those of yesterday's close")
    if covered is not None:
        parts.append(f"{covered:.0%} lie in the {found['promised']:.0%} interval")
    return "; ".join(parts)

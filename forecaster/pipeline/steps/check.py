"""Whether the prices can be forecast from."""

from __future__ import annotations

from typing import Final

import pandas as pd

from data.health.findings import Severity, summary
from data.health.store_check import check_store
from data.symbols import market_of
from forecaster.pipeline.errors import StepFailed
from forecaster.pipeline.place import Outcome, Place

_NAMED: Final = 20


def check(place: Place) -> Outcome:
    """Look for faults in what is stored. They are told; only prices that end too early stop what rests on this.

    Raises:
        StepFailed: no share of the session's exchange has a bar of the session.
        DataError: the prices cannot be read.
    """
    store, record = place.store, place.record
    symbols = place.symbols()
    newest = store.newest()
    own = newest[[market_of(str(one)) == record.exchange for one in newest["symbol"]]]
    if symbols is not None:
        own = own[own["symbol"].isin(symbols)]
    traded = int((own["session"] >= pd.Timestamp(record.session)).sum())
    findings = check_store(store, now=place.clock.now(), symbols=symbols)
    problems = [one for one in findings if one.severity is Severity.PROBLEM]
    evidence = {
        "session": f"{record.session}",
        "traded": traded,
        "symbols": len(own),
        "newest": None if own.empty else f"{own['session'].max():%Y-%m-%d}",
        "findings": {
            f"{kind}": {"problems": counts.problems, "notes": counts.notes, "symbols": counts.symbols}
            for kind, counts in summary(findings).items()
        },
        "problems": [f"{one.symbol}: {one.text}" for one in problems[:_NAMED]],
        "data_version": store.version(),
    }
    if not traded:
        found = f"the newest is of {evidence['newest']}" if evidence["newest"] else "there is none at all"
        raise StepFailed(f"no share has a bar of {record.session}: {found}", evidence)
    told = f"{traded:,} of {len(own):,} shares have a bar of {record.session}; {len(problems):,} problems were found"
    return Outcome(told, evidence)

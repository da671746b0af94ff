"""Published forecasts -> the part of a symbol's diagnostics that is about them. Knows no HTTP.

The ledger is not needed to forecast: where it cannot be read the service answers without that part, and logs why.
"""

from __future__ import annotations

import logging

from data.errors import DataError
from data.store import PriceStore
from forecaster.diagnostics.diagnostics import to_dict
from forecaster.errors import ForecasterError
from forecaster.ledger.live import Live, live_of
from forecaster.ledger.table import Ledger
from service.schemas.live import LiveRecord

_log = logging.getLogger(__name__)


def live_record(ledger: Ledger, store: PriceStore, symbol: str, name: str, data_version: int) -> LiveRecord | None:
    """How the published forecasts of a symbol have done; None without any, and where they cannot be read.

    Args:
        ledger: what was published.
        store, data_version: the prices that outcomes come from.
        symbol: whose.
        name: the model's name; all its versions that spoke count.
    """
    try:
        published = ledger.read(name, symbol, step=1)
        if published.empty:
            return None
        return _record(live_of(published, store.read([symbol], version=data_version))[symbol])
    except Exception as error:  # whatever it is, answers about forecasts must not end with it
        expected = isinstance(error, DataError | ForecasterError)
        _log.warning("answering without the live record: %s", error, exc_info=not expected)
        return None


def ledger_version(ledger: Ledger) -> int | None:
    """The version of the ledger; None where nothing was published, or it cannot be read."""
    try:
        return ledger.version()
    except (DataError, ForecasterError, OSError) as error:
        _log.warning("the ledger cannot be looked at: %s", error)
        return None


def _record(live: Live) -> LiveRecord:
    figures = to_dict(live.diagnostics)
    figures["lag"].pop("correlogram", None)  # it is for plotting, and is answered with the held-out span's series
    return LiveRecord.model_validate(
        {
            "since": live.since,
            "versions": list(live.versions),
            "published": live.published,
            "pending": live.pending,
            "restated": live.restated,
            **figures,
        }
    )

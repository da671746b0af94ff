"""Published forecasts -> the part of a symbol's diagnostics that is about them. Knows no HTTP.

The ledger is not needed to forecast: where it cannot be read the service answers without that part, and logs why.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from data.bars import Bars
from data.errors import DataError
from forecaster.diagnostics.diagnostics import to_dict
from forecaster.errors import ForecasterError
from forecaster.ledger.live import Live, live_of
from forecaster.ledger.table import Ledger
from service.schemas.live import LiveRecord

_log = logging.getLogger(__name__)


def live_records(ledger: Ledger, bars: Bars, name: str) -> Mapping[str, LiveRecord]:
    """For each symbol with published forecasts how they have done; nothing where the ledger cannot be read.

    Args:
        ledger: what was published.
        bars: the prices that outcomes come from.
        name: the model's name; all its versions that spoke count.
    """
    try:
        return {symbol: _record(one) for symbol, one in live_of(ledger.read(name, step=1), bars).items()}
    except Exception as error:  # whatever it is, answers about forecasts must not end with it
        expected = isinstance(error, DataError | ForecasterError)
        _log.warning("answering without the live record: %s", error, exc_info=not expected)
        return {}


def ledger_version(ledger: Ledger) -> int | None:
    """The version of the ledger; None where nothing was published, or it cannot be read."""
    try:
        return ledger.version()
    except (DataError, ForecasterError, OSError) as error:
        _log.warning("the ledger cannot be looked at: %s", error)
        return None


def ledger_moved(ledger: Ledger, held: int | None) -> bool:
    """Whether more was published than the answers know that were made from version `held`.

    A ledger that cannot be read has not moved: the answers that are held stay as good as they are.
    """
    found = ledger_version(ledger)
    return found is not None and found != held


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

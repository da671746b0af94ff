"""Every figure about a symbol with the series behind it, made when somebody asks.

Such an answer has some hundred kilobytes: ready ones of all symbols would take gigabytes. The latest ones are kept.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Final

from data.store import PriceStore
from forecaster.ledger.table import Ledger
from service.answers import diagnostics_answer
from service.live import ledger_version, live_record
from service.ready import Ready
from service.snapshot import Snapshot, version_of

KEPT: Final = 64

Made = tuple[Snapshot, int | None]


class Diagnoses:
    """Makes diagnostics, and keeps the latest. Thread-safe."""

    def __init__(self, store: PriceStore, ledger: Ledger) -> None:
        """Reads nothing yet.

        Args:
            store: the prices, which outcomes of published forecasts come from.
            ledger: the published forecasts; what cannot be read of it is missing in the answers.
        """
        self._store = store
        self._ledger = ledger
        self._kept: OrderedDict[str, tuple[Made, Ready]] = OrderedDict()
        self._lock = Lock()

    def of(self, symbol: str, snapshot: Snapshot) -> Ready:
        """A well-formed symbol's diagnostics. Blocks.

        Raises:
            UnknownExchange, UnknownSymbol: nothing is known about it.
        """
        snapshot.require(symbol)
        made = (snapshot, ledger_version(self._ledger))
        with self._lock:
            held = self._kept.get(symbol)
            # Where the ledger cannot be read, what was made before is as good as it was.
            if held is not None and held[0][0] is snapshot and made[1] in (held[0][1], None):
                self._kept.move_to_end(symbol)
                return held[1]
        loaded = snapshot.loaded
        told = diagnostics_answer(
            symbol,
            loaded.figures_of(symbol),
            loaded.held_out.of(symbol),
            loaded.bundle.spec.quantiles,
            loaded.name,
        )
        live = live_record(self._ledger, self._store, symbol, loaded.version.name, snapshot.data_version)
        body = told.model_copy(update={"live": live}).model_dump_json().encode()
        ready = Ready(body, version_of(loaded, snapshot.data_version))
        with self._lock:
            # Of an earlier snapshot none is asked for again, and each would keep all of it.
            for other in [name for name, (by, _) in self._kept.items() if by[0] is not snapshot]:
                del self._kept[other]
            self._kept[symbol] = (made, ready)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return ready

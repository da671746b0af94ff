"""One publication: a version's forecasts of the next session, made from the newest prices and written to the ledger."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from data.bars import Bars
from data.clock import Clock
from data.errors import EmptyStore
from data.store import PriceStore
from data.symbols import market_of
from forecaster.bundle import Bundle
from forecaster.forecast import Forecast
from forecaster.ledger.publishing import Provenance, Published, publish
from forecaster.ledger.table import Ledger
from forecaster.model import Model
from forecaster.version import Version


@dataclass(frozen=True, slots=True)
class Publication:
    """What came of it.

    Attributes:
        done: what was written, was there, or was refused.
        unable: by symbol why it cannot be forecast; those that rest while others trade are among them.
        sessions: that the forecasts are about, the first step's, in order.
        now: when the ledger was written, as the clock told it.
    """

    done: Published
    unable: dict[str, str]
    sessions: tuple[date, ...]
    now: str

    def document(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "now": self.now,
            "published": self.done.published,
            "already": self.done.already,
            "too_late": self.done.too_late,
            "refused": [
                asdict(one) | {"target_session": one.target_session.isoformat(), "reason": one.reason.value}
                for one in self.done.refused
            ],
            "unable": self.unable,
        }

    def text(self, version: Version) -> str:
        """In a sentence.

        Args:
            version: whose forecasts.
        """
        first, last = (self.sessions[0], self.sessions[-1]) if self.sessions else (None, None)
        about = "" if first is None else f" for {first}" + ("" if first == last else f" to {last}")
        return (
            f"{version.name} version {version.version}{about}: {self.done.published:,} published, "
            f"{self.done.already:,} were there before, {len(self.done.refused):,} refused, "
            f"{len(self.unable):,} cannot be forecast"
        )


def published_by(
    version: Version,
    bundle: Bundle,
    store: PriceStore,
    ledger: Ledger,
    clock: Clock,
    *,
    symbols: Sequence[str] | None = None,
    named: frozenset[str] = frozenset(),
    wait: float = 0,
    progress: Callable[[str], None] = lambda text: None,
) -> Publication:
    """Publish what a version says of the next session.

    Args:
        version, bundle: who speaks.
        store, ledger: from what, and where to.
        clock: asked as late as can be.
        symbols: whose forecasts; None takes all that are stored.
        named: those that count as asked for even where they rest while others trade.
        wait: seconds to wait for another writer of the ledger.
        progress: told what goes on.

    Raises:
        EmptyStore, UnknownSymbol: there are no bars, or none of one of the symbols.
        LedgerUnavailable, StoreFull, StoreBusy: the ledger cannot be written; nothing was.
    """
    model = bundle.model()
    progress("reading prices")
    bars, asked, data_version = _bars(store, model, symbols)
    calendars = store.calendars()
    progress(f"forecasting {len(asked):,} symbols")
    made = model.forecasts(bars, calendars, asked)
    unable = {symbol: str(one) for symbol, one in made.items() if not isinstance(one, Forecast)}
    unable |= _resting([one for one in made.values() if isinstance(one, Forecast) and one.symbol not in named], bars)
    forecasts = [one for one in made.values() if isinstance(one, Forecast) and one.symbol not in unable]
    trained_through = date.fromisoformat(bundle.trained_through)
    made_by = Provenance(version.name, version.version, version.run_id, trained_through, data_version)
    with ledger.writing(wait):
        now = clock.now()  # here, not above: reading, forecasting and waiting take time
        done = publish(forecasts, ledger, made_by, bars, calendars, now)
    sessions = tuple(sorted({one.target_sessions[0] for one in forecasts}))
    return Publication(done, unable, sessions, now.isoformat())


def _bars(store: PriceStore, model: Model, wanted: Sequence[str] | None) -> tuple[Bars, tuple[str, ...], int]:
    """What the forecasts rest on, whose they are, and the version of the prices, which the ledger names."""
    version = store.version()
    if version is None:
        raise EmptyStore(store.uri)
    stored = tuple(store.summary(version)["symbol"])
    asked = stored if wanted is None else tuple(wanted)
    others = set(model.reads(asked)) & set(stored)
    return store.read(sorted({*asked, *others}), version=version), asked, version


def _resting(forecasts: list[Forecast], bars: Bars) -> dict[str, str]:
    """Those without a bar of the newest session on which any share of their exchange traded, and what to say of them.

    A share that is suspended or delisted would be too late every evening, and that is nobody's failure.
    """
    newest = bars.frame.groupby("symbol")["session"].max()
    latest = newest.groupby([market_of(str(symbol)) for symbol in newest.index]).max().dt.date
    found = {one.symbol: latest[market_of(one.symbol)] for one in forecasts}
    return {
        one.symbol: f"{one.symbol}: no bar since {one.as_of}, though others traded on {found[one.symbol]}; "
        "suspended or delisted, or fetch it again"
        for one in forecasts
        if one.as_of < found[one.symbol]
    }

"""Every symbol's finished answers, made in one batch. Knows no HTTP.

Answers are kept as the JSON bytes that go out, so that a GET is a look-up in a dictionary.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from pydantic import BaseModel

from data.bars import Bars
from data.errors import EmptyStore, UnknownSymbol
from data.sessions import Calendars
from data.store import PriceStore
from data.symbols import exchange_of
from forecaster.answer import answer
from forecaster.bundle import Bundle
from forecaster.forecast import Forecast
from forecaster.ledger.table import Ledger
from forecaster.registry import Version
from service.answers import diagnostics_answer, model_facts, model_name, symbol_entry
from service.due import due_sessions, exchange_or_none
from service.live import ledger_version, live_records
from service.schemas.forecasts import ForecastAnswer
from service.schemas.models import ModelFacts, ModelName
from service.schemas.symbols import SymbolsAnswer


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the service answers from, until the next one replaces it as a whole.

    Attributes:
        version: the registered version behind it.
        model: how answers name that version.
        facts: what its manifest says.
        data_version: the price table's version.
        ledger_version: the version of the ledger of published forecasts; None where nothing could be read of it.
        calendars: the exchanges' sessions that target sessions and staleness were told by.
        built_at: when it was made.
        due: for each exchange in use the session that should be there by `built_at`.
        stale: how many forecasts do not know that session.
        forecasts, diagnostics: symbol -> JSON.
        refusals: symbol -> why it has no forecast.
        symbols: JSON of the listing.
    """

    version: Version
    model: ModelName
    facts: ModelFacts
    data_version: int
    ledger_version: int | None
    calendars: Calendars
    built_at: datetime
    due: Mapping[str, date | None]
    stale: int
    forecasts: Mapping[str, bytes]
    diagnostics: Mapping[str, bytes]
    refusals: Mapping[str, Exception]
    symbols: bytes

    def forecast_of(self, symbol: str) -> bytes:
        """The JSON of a well-formed symbol's forecast.

        Raises:
            UnknownExchange, UnknownSymbol: nothing is known about it.
            Exception: as in `refusals`.
        """
        if symbol in self.refusals:
            # It is raised again for every request, and would collect their stack frames.
            raise self.refusals[symbol].with_traceback(None)
        return self._found(self.forecasts, symbol)

    def diagnostics_of(self, symbol: str) -> bytes:
        """The JSON of a well-formed symbol's diagnostics.

        Raises:
            UnknownExchange, UnknownSymbol: nothing is known about it.
        """
        return self._found(self.diagnostics, symbol)

    def _found(self, answers: Mapping[str, bytes], symbol: str) -> bytes:
        try:
            return answers[symbol]
        except KeyError:
            exchange_of(symbol)  # a suffix that no exchange has explains more than "unknown symbol"
            raise UnknownSymbol(symbol, list(self.diagnostics)) from None


def build_snapshot(
    bundle: Bundle,
    version: Version,
    store: PriceStore,
    calendars: Calendars,
    now: datetime,
    *,
    threads: int = 1,
    ledger: Ledger | None = None,
) -> Snapshot:
    """All answers of a model about all symbols of the store.

    Args:
        bundle: the model, verified.
        version: its entry in the registry.
        store: the prices.
        calendars: the exchanges' sessions, as the store knows them.
        now: the present, with a time zone.
        threads: ONNX Runtime's threads.
        ledger: the published forecasts; what cannot be read of it is missing in the answers.

    Raises:
        EmptyStore: there are no prices.
        CorruptBundle: a file has changed since it was verified.
    """
    data_version = store.version()
    if data_version is None:
        raise EmptyStore(store.uri)
    bars = store.read(version=data_version)
    model = model_name(bundle, version)
    figures = bundle.diagnostics()
    spans = _spans(bars)
    forecasts: dict[str, bytes] = {}
    refusals: dict[str, Exception] = {}
    entries = []
    for symbol, outcome in bundle.model(threads=threads).forecasts(bars, calendars).items():
        made: ForecastAnswer | Exception
        if isinstance(outcome, Forecast):
            made = ForecastAnswer.model_validate(answer(outcome, figures.get(symbol), bundle, version, calendars, now))
            forecasts[symbol] = _json(made)
        else:
            # The stack frames hold the tables of all symbols.
            made = refusals[symbol] = outcome.with_traceback(None)
        entries.append(symbol_entry(symbol, spans[symbol], made))

    evidence = bundle.evidence()
    rows_of = {str(symbol): rows for symbol, rows in evidence.groupby("symbol")}
    known = None if ledger is None else ledger_version(ledger)  # before the rows: more may come meanwhile
    live = {} if ledger is None else live_records(ledger, bars, version.name)
    diagnostics = {}
    for symbol in bars.symbols:
        rows = rows_of.get(symbol, evidence[:0])
        told = diagnostics_answer(symbol, figures.get(symbol), rows, bundle.spec.quantiles, model)
        diagnostics[symbol] = _json(told.model_copy(update={"live": live[symbol]}) if symbol in live else told)
    return Snapshot(
        version=version,
        model=model,
        facts=model_facts(bundle),
        data_version=data_version,
        ledger_version=known,
        calendars=calendars,
        built_at=now,
        due=due_sessions(sorted({one for one in map(exchange_or_none, bars.symbols) if one}), calendars, now),
        stale=sum(bool(entry.stale) for entry in entries),
        forecasts=forecasts,
        diagnostics=diagnostics,
        refusals=refusals,
        symbols=_json(SymbolsAnswer(data_version=data_version, symbols=entries)),
    )


def _spans(bars: Bars) -> dict[str, tuple[date, date, int]]:
    """For each symbol its first session, its last, and how many bars it has."""
    return {
        str(symbol): (own.iloc[0].date(), own.iloc[-1].date(), len(own))
        for symbol, own in bars.frame.groupby("symbol")["session"]
    }


def _json(made: BaseModel) -> bytes:
    return made.model_dump_json().encode()

"""Every symbol's finished forecast, made in one go. Knows no HTTP but the bytes that go out.

Answers are kept as the JSON that is sent, so that a GET is a look-up in a dictionary.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from typing import Final

import pandas as pd
from pydantic_core import to_json

from data.errors import EmptyStore, UnknownSymbol
from data.sessions import Calendars
from data.store import PriceStore
from data.symbols import exchange_of
from forecaster.answer import Answers
from forecaster.bundle import Bundle
from forecaster.calibration import Calibration
from forecaster.forecast import Forecast
from forecaster.model import Model
from forecaster.newest import newest_calibration, newest_forecasts
from forecaster.version import Version
from service.answers import symbol_entry
from service.due import due_sessions, exchange_or_none
from service.loaded import Loaded, Verified
from service.ready import Ready
from service.schemas.models import ModelName
from service.schemas.symbols import SymbolsAnswer

# How the JSON of a forecast ends that is not stale: the fields stand last.
_FRESH: Final = b'"stale":false,"stale_reason":null}'


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What is known of the answers as a whole.

    Attributes:
        calibration: the model's, after every outcome that the prices tell.
        data_version: the price table's version.
        calendars: the exchanges' sessions that target sessions and staleness were told by.
        built_at: when they were made.
        seconds: what making them took [s].
        due: for each exchange in use the session that should be there by `built_at`.
        stale: how many forecasts do not know that session, or cannot tell.
        verdicts: how many forecasts have each head of a verdict.
        names: every symbol of the store, sorted.
    """

    calibration: Calibration
    data_version: int
    calendars: Calendars
    built_at: datetime
    seconds: float
    due: Mapping[str, date | None]
    stale: int
    verdicts: Mapping[str, int]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts(_Known):
    """The same, once all answers are made.

    Attributes:
        symbols: the listing as JSON.
    """

    symbols: bytes


# A symbol with the JSON of its forecast, or with the reason why it has none.
Told = tuple[str, bytes | Exception]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot(_Known):
    """What the service answers from, until the next one replaces it as a whole.

    Attributes:
        loaded: the model behind it.
        forecasts: symbol -> answer.
        refusals: symbol -> why it has no forecast.
        listed: `names`, to look up.
        symbols: the listing.
    """

    loaded: Loaded
    forecasts: Mapping[str, Ready]
    refusals: Mapping[str, Exception]
    listed: frozenset[str]
    symbols: Ready

    @property
    def version(self) -> Version:
        """The registered version behind it."""
        return self.loaded.version

    @property
    def model(self) -> ModelName:
        """How answers name that version."""
        return self.loaded.name

    @property
    def bundle(self) -> Bundle:
        """Its files, verified."""
        return self.loaded.bundle

    @property
    def network(self) -> Model:
        """It, ready to be asked."""
        return self.loaded.network

    def forecast_of(self, symbol: str) -> Ready:
        """A well-formed symbol's forecast.

        Raises:
            UnknownExchange, UnknownSymbol: nothing is known about it.
            Exception: as in `refusals`.
        """
        try:
            return self.forecasts[symbol]
        except KeyError:
            self.require(symbol)
            # It is raised again for every request, and would collect their stack frames.
            raise self.refusals[symbol].with_traceback(None) from None

    def require(self, symbol: str) -> None:
        """Whether the store holds a well-formed symbol.

        Raises:
            UnknownExchange, UnknownSymbol: nothing is known about it.
        """
        if symbol not in self.listed:
            exchange_of(symbol)  # a suffix that no exchange has explains more than "unknown symbol"
            raise UnknownSymbol(symbol, self.names)

    def marked(self, reason: str) -> Snapshot:
        """The same answers, every one marked as stale for a reason that is not in the prices."""
        end = f'"stale":true,"stale_reason":{json.dumps(reason, ensure_ascii=False)}}}'.encode()
        listing = json.loads(self.symbols.body)
        for entry in listing["symbols"]:
            if entry["forecast"] and not entry["stale"]:
                entry |= {"stale": True, "stale_reason": reason}
        return replace(
            self,
            stale=len(self.forecasts),
            forecasts={
                symbol: self._ready(one.body[: -len(_FRESH)] + end) if one.body.endswith(_FRESH) else one
                for symbol, one in self.forecasts.items()
            },
            symbols=self._ready(json.dumps(listing, ensure_ascii=False, separators=(",", ":")).encode()),
        )

    def _ready(self, body: bytes) -> Ready:
        return Ready(body, version_of(self.loaded, self.data_version))


def version_of(loaded: Loaded, data_version: int) -> str:
    """What answers are made of, for their validators."""
    return f"{loaded.version.version}.{data_version}"


def build_snapshot(loaded: Loaded, store: PriceStore, calendars: Calendars, now: datetime) -> Snapshot:
    """All forecasts of a model, of all symbols of the store. Arguments and errors as `make_answers`."""
    return assembled(loaded, make_answers(loaded, store, calendars, now))


def make_answers(model: Verified, store: PriceStore, calendars: Calendars, now: datetime) -> Iterator[Told | Facts]:
    """All forecasts of a model, of all symbols of the store, and after the last what is known of all of them.

    Args:
        model: whose.
        store: the prices.
        calendars: the exchanges' sessions, as the store knows them.
        now: the present, with a time zone.

    Raises:
        EmptyStore: there are no prices.
    """
    began = time.perf_counter()
    data_version = store.version()
    if data_version is None:
        raise EmptyStore(store.uri)
    summary = store.summary(data_version)
    calibration = newest_calibration(model.network, store, summary, data_version)
    made = newest_forecasts(model.network, store, calendars, summary, data_version, calibration)
    answers = Answers(model.bundle, model.version, calendars, now)
    spans = _spans(summary)
    entries = []
    verdicts: Counter[str] = Counter()
    for symbol, outcome in made:
        if isinstance(outcome, Forecast):
            told = answers.of(outcome, model.figures_of(symbol))
            verdicts[told["verdict"]["code"]] += 1
            entries.append(symbol_entry(symbol, spans[symbol], told))
            yield symbol, to_json(told)
        else:
            entries.append(symbol_entry(symbol, spans[symbol], outcome))
            # The stack frames hold the tables of all symbols.
            yield symbol, outcome.with_traceback(None)
    yield Facts(
        calibration=calibration,
        data_version=data_version,
        calendars=calendars,
        built_at=now,
        seconds=time.perf_counter() - began,
        due=due_sessions(sorted({one for one in map(exchange_or_none, spans) if one}), calendars, now),
        stale=sum(bool(entry.stale) for entry in entries),
        verdicts=verdicts,
        names=tuple(spans),
        symbols=to_json(SymbolsAnswer(data_version=data_version, symbols=entries)),
    )


def assembled(loaded: Loaded, made: Iterable[Told | Facts]) -> Snapshot:
    """A snapshot of what `make_answers` gives, here or in another process."""
    forecasts: dict[str, bytes] = {}
    refusals: dict[str, Exception] = {}
    facts: Facts | None = None
    for one in made:
        if isinstance(one, Facts):
            facts = one
        elif isinstance(one[1], Exception):
            refusals[one[0]] = one[1]
        else:
            forecasts[one[0]] = one[1]
    assert facts is not None
    version = version_of(loaded, facts.data_version)
    return Snapshot(
        **{part.name: getattr(facts, part.name) for part in fields(_Known)},
        loaded=loaded,
        forecasts={symbol: Ready(body, version) for symbol, body in forecasts.items()},
        refusals=refusals,
        listed=frozenset(facts.names),
        symbols=Ready(facts.symbols, version),
    )


def _spans(summary: pd.DataFrame) -> dict[str, tuple[date, date, int]]:
    """For each symbol its first session, its last, and how many bars it has."""
    columns = (summary[name] for name in ("symbol", "first", "last", "sessions"))
    return {str(symbol): (first, last, int(sessions)) for symbol, first, last, sessions in zip(*columns, strict=True)}

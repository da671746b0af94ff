"""`forecaster publish`: write the champion's forecasts down before their session opens."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Any, Final

import click

from data.bars import Bars
from data.clock import SystemClock
from data.errors import EmptyStore
from data.store import PriceStore
from data.symbols import market_of
from forecaster.bundle import Bundle
from forecaster.cli.console import (
    REFUSED,
    chosen,
    chosen_symbols,
    json_option,
    name_option,
    parse_symbols,
    price_store,
    print_json,
    progress_bar,
    registry,
    reports_errors,
    settings,
    universe_option,
    version_option,
    wait_option,
)
from forecaster.forecast import Forecast
from forecaster.ledger.publishing import Provenance, Published, publish
from forecaster.ledger.table import Ledger
from forecaster.model import Model
from forecaster.version import Version

_SHOWN: Final = 20


@click.command(
    "publish",
    short_help="Write forecasts down before their session opens.",
    epilog="""\b
Examples:
  forecaster publish
  forecaster publish 600519.SH 000001.SZ --json
  forecaster publish --universe 000300.SH --wait 60
""",
)
@click.argument("symbols", nargs=-1)
@universe_option
@name_option
@version_option
@wait_option
@json_option
@reports_errors
def publish_command(
    symbols: tuple[str, ...],
    universe_name: str | None,
    name: str | None,
    version: str | None,
    wait: float,
    as_json: bool,
) -> None:
    """Publish the forecasts of SYMBOLS (all that are stored) for their next session to the ledger.

    What is published is never rewritten: of each symbol and session the first forecast counts, and publishing again
    changes nothing. A forecast whose session has opened is refused. Exits with 3 when any was refused, or when one of
    SYMBOLS cannot be forecast. Others that did not trade when their exchange last did are listed, and fail nothing.
    """
    where = settings()
    wanted, named = chosen_symbols(symbols, universe_name, where), frozenset(parse_symbols(symbols))
    registered, bundle = chosen(registry(where, name), version)
    store, model, ledger, clock = price_store(where), bundle.model(), Ledger(where.ledger_uri), SystemClock()
    with progress_bar(hidden=as_json) as shown:
        task = shown.add_task("reading prices", total=None)
        bars, asked, data_version = _bars(store, model, wanted)
        calendars = store.calendars()
        shown.update(task, description=f"forecasting {len(asked):,} symbols")
        made = model.forecasts(bars, calendars, asked)
    unable = {symbol: str(one) for symbol, one in made.items() if not isinstance(one, Forecast)}
    unable |= _resting([one for one in made.values() if isinstance(one, Forecast) and one.symbol not in named], bars)
    forecasts = [one for one in made.values() if isinstance(one, Forecast) and one.symbol not in unable]
    made_by = _provenance(registered, bundle, data_version)
    with ledger.writing(wait):
        now = clock.now()  # here, not above: reading, forecasting and waiting take time
        done = publish(forecasts, ledger, made_by, bars, calendars, now)
    if as_json:
        print_json(
            {
                "model": {"name": registered.name, "version": registered.version},
                "ledger": ledger.uri,
                "now": now.isoformat(),
                **_document(done),
                "unable": unable,
            }
        )
    else:
        _print(done, unable, registered, forecasts)
    # A share that cannot be forecast is no failure of a call that asks for whatever is there.
    if done.refused or named & unable.keys():
        raise SystemExit(REFUSED)


def _bars(store: PriceStore, model: Model, wanted: tuple[str, ...] | None) -> tuple[Bars, tuple[str, ...], int]:
    """What the forecasts rest on, whose they are, and the version of the prices, which the ledger names."""
    version = store.version()
    if version is None:
        raise EmptyStore(store.uri)
    stored = tuple(store.summary(version)["symbol"])
    asked = stored if wanted is None else wanted
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


def _provenance(version: Version, bundle: Bundle, data_version: int) -> Provenance:
    trained_through = date.fromisoformat(bundle.trained_through)
    return Provenance(version.name, version.version, version.run_id, trained_through, data_version)


def _document(done: Published) -> dict[str, Any]:
    return {
        "published": done.published,
        "already": done.already,
        "too_late": done.too_late,
        "refused": [
            asdict(one) | {"target_session": one.target_session.isoformat(), "reason": one.reason.value}
            for one in done.refused
        ],
    }


def _print(done: Published, unable: dict[str, str], version: Version, forecasts: list[Forecast]) -> None:
    sessions = sorted({one.target_sessions[0] for one in forecasts})
    about = f" for {sessions[0]}" + (f" to {sessions[-1]}" if len(sessions) > 1 else "") if sessions else ""
    click.echo(
        f"{version.name} version {version.version}{about}: {done.published:,} published, {done.already:,} were there "
        f"before, {len(done.refused):,} refused, {len(unable):,} cannot be forecast"
    )
    _list("refused", [one.text for one in done.refused])
    _list("cannot be forecast", list(unable.values()))


def _list(what: str, texts: list[str]) -> None:
    for text in texts[:_SHOWN]:
        click.echo(f"{what}: {text}", err=True)
    if len(texts) > _SHOWN:
        click.echo(f"{what}: {len(texts) - _SHOWN:,} more, which --json lists", err=True)

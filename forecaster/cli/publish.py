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
from forecaster.bundle import Bundle
from forecaster.cli.console import (
    REFUSED,
    chosen,
    chosen_symbols,
    json_option,
    name_option,
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
from forecaster.registry import Version

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
    changes nothing. A forecast whose session has opened is refused. Exits with 3 when any was refused.
    """
    where = settings()
    wanted = chosen_symbols(symbols, universe_name, where)
    registered, bundle = chosen(registry(where, name), version)
    store, model, ledger, clock = price_store(where), bundle.model(), Ledger(where.ledger_uri), SystemClock()
    with progress_bar(hidden=as_json) as shown:
        task = shown.add_task("reading prices", total=None)
        bars, asked, data_version = _bars(store, model, wanted)
        calendars = store.calendars()
        shown.update(task, description=f"forecasting {len(asked):,} symbols")
        made = model.forecasts(bars, calendars, asked)
    forecasts = [one for one in made.values() if isinstance(one, Forecast)]
    unable = {symbol: str(one) for symbol, one in made.items() if not isinstance(one, Forecast)}
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
    if done.refused or (unable and wanted is not None):
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
        f"before, {len(done.refused):,} refused"
    )
    told = [*(one.text for one in done.refused), *unable.values()]
    for text in told[:_SHOWN]:
        click.echo(f"refused: {text}", err=True)
    if len(told) > _SHOWN:
        click.echo(f"refused: {len(told) - _SHOWN:,} more, which --json lists", err=True)

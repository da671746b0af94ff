"""`forecaster publish`: write the champion's forecasts down before their session opens."""

from __future__ import annotations

from typing import Final

import click

from data.clock import SystemClock
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
from forecaster.ledger.publication import published_by
from forecaster.ledger.table import Ledger

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
    ledger = Ledger(where.ledger_uri)
    with progress_bar(hidden=as_json) as shown:
        task = shown.add_task("reading prices", total=None)
        made = published_by(
            registered,
            bundle,
            price_store(where),
            ledger,
            SystemClock(),
            symbols=wanted,
            named=named,
            wait=wait,
            progress=lambda text: shown.update(task, description=text),
        )
    if as_json:
        model = {"name": registered.name, "version": registered.version}
        print_json({"model": model, "ledger": ledger.uri, **made.document()})
    else:
        click.echo(made.text(registered))
        _list("refused", [one.text for one in made.done.refused])
        _list("cannot be forecast", list(made.unable.values()))
    # A share that cannot be forecast is no failure of a call that asks for whatever is there.
    if made.done.refused or named & made.unable.keys():
        raise SystemExit(REFUSED)


def _list(what: str, texts: list[str]) -> None:
    for text in texts[:_SHOWN]:
        click.echo(f"{what}: {text}", err=True)
    if len(texts) > _SHOWN:
        click.echo(f"{what}: {len(texts) - _SHOWN:,} more, which --json lists", err=True)

"""`forecaster predict`: forecasts from the command line."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click

from forecaster.answer import Answers
from forecaster.cli.console import (
    FAILED,
    bars_for,
    chosen,
    chosen_symbols,
    json_option,
    name_option,
    price_store,
    print_json,
    print_table,
    registry,
    reports_errors,
    settings,
    universe_option,
    version_option,
)


@click.command(
    short_help="Forecast the next close.",
    epilog="""\b
Examples:
  forecaster predict AAPL MSFT
  forecaster predict AAPL --as-of 2012-06-29 --json
""",
)
@click.argument("symbols", nargs=-1)
@universe_option
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="Use no bar of a later session.")
@name_option
@version_option
@json_option
@reports_errors
def predict(
    symbols: tuple[str, ...],
    universe_name: str | None,
    as_of: datetime | None,
    name: str | None,
    version: str | None,
    as_json: bool,
) -> None:
    """Forecast the next session's close of SYMBOLS, with the verdict on how far to trust it.

    Fails when any of the symbols cannot be forecast; the others are printed all the same.
    """
    where = settings()
    if not symbols and universe_name is None:
        raise click.UsageError("Missing argument 'SYMBOLS...', or --universe NAME; --universe all takes all stored.")
    wanted = chosen_symbols(symbols, universe_name, where)
    model, bundle = chosen(registry(where, name), version)
    store, forecaster = price_store(where), bundle.model()
    bars, asked = bars_for(forecaster, wanted, store, as_of.date() if as_of else None)
    calendars = store.calendars()
    figures, told = bundle.figures(), Answers(bundle, model, calendars, datetime.now(UTC))
    answers: dict[str, Any] = {}
    refused: dict[str, str] = {symbol: f"{symbol}: no bars up to {as_of:%Y-%m-%d}" for symbol in asked if as_of}
    for symbol, outcome in forecaster.forecasts(bars, calendars, asked).items():
        refused.pop(symbol, None)
        if isinstance(outcome, Exception):
            refused[symbol] = str(outcome)
        else:
            answers[symbol] = told.of(outcome, figures.get(symbol))
    if as_json:
        print_json({"forecasts": list(answers.values()), "refused": refused})
    else:
        _print(answers)
        for reason in refused.values():
            click.echo(f"error: {reason}", err=True)
    if refused:
        raise SystemExit(FAILED)


def _print(answers: dict[str, Any]) -> None:
    if not answers:
        return
    rows = []
    for one in answers.values():
        guess = one["forecast"]
        interval = guess["interval"]
        rows.append(
            (
                one["symbol"],
                one["as_of"],
                f"{one['last_close']:.2f}",
                one["target_session"],
                f"{guess['close']:.2f}",
                f"{guess['change']:+.2%}",
                f"{interval['lower']:.2f} to {interval['upper']:.2f}",
                "stale" if one["stale"] else "",
            )
        )
    level = next(iter(answers.values()))["forecast"]["interval"]["level"]
    print_table(
        "next session's close",
        ("symbol", "as of", "last close", "session", "forecast", "change", f"{level:.0%} interval", ""),
        rows,
    )
    for one in answers.values():
        click.echo(f"{one['symbol']}: {one['verdict']['text']}")

"""`forecaster diagnose`: how wrong and how late a model's forecasts were, and whether it still is what it was."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from data.errors import UnknownSymbol
from forecaster.cli.console import (
    chosen,
    json_option,
    name_option,
    parse_symbols,
    price_store,
    print_json,
    print_table,
    registry,
    reports_errors,
    settings,
    version_option,
)
from forecaster.cli.drift import show_drift
from forecaster.cli.figures import COLUMNS, row
from forecaster.cli.live import show_live
from forecaster.diagnostics.diagnostics import Diagnostics, to_dict
from forecaster.diagnostics.universe import Universe, universe, universe_dict, universe_text
from forecaster.diagnostics.verdict import is_echo, lag_text
from forecaster.ledger.table import Ledger
from forecaster.report import report_html


@click.command(
    short_help="Show how wrong and how late forecasts were.",
    epilog="""\b
Examples:
  forecaster diagnose AAPL
  forecaster diagnose --report report.html
  forecaster diagnose --live                what was published before its session opened
  forecaster diagnose --drift               inputs and errors since the model was made
""",
)
@click.argument("symbols", nargs=-1)
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), help="Write a page with pictures.")
@click.option("--live", is_flag=True, help="Of the forecasts that were published, not of the held-out span.")
@click.option("--drift", is_flag=True, help="Whether inputs and errors have changed since.")
@name_option
@version_option
@json_option
@reports_errors
def diagnose(
    symbols: tuple[str, ...],
    report: Path | None,
    live: bool,
    drift: bool,
    name: str | None,
    version: str | None,
    as_json: bool,
) -> None:
    """Print the diagnostics of SYMBOLS (all that the model was judged on, if none) on the held-out span.

    Whatever SYMBOLS are shown, all that the model was judged on are counted when it is said how many beat
    yesterday's close: who picks the best of many has made many tests.
    """
    _check(symbols, report, live, drift, version)
    wanted, where = parse_symbols(symbols), settings()
    models = registry(where, name)
    if live:
        show_live(Ledger(where.ledger_uri), price_store(where), models.name, wanted, as_json=as_json)
        return
    model, bundle = chosen(models, version)
    if drift:
        show_drift(bundle, model, price_store(where), as_json=as_json)
        return
    known = bundle.diagnostics()
    for symbol in wanted:
        if symbol not in known:
            raise UnknownSymbol(symbol, sorted(known))
    shown = {symbol: known[symbol] for symbol in wanted or sorted(known)}
    evidence = bundle.evidence()
    whole = universe(known, evidence)
    title = f"{model.name} version {model.version}"
    if report is not None:
        report.write_text(report_html(list(shown), bundle, evidence, title), encoding="utf-8")
    if as_json:
        names = {"name": model.name, "version": model.version, "trained_through": bundle.trained_through}
        print_json({"model": names, **_document(shown, whole)})
        return
    _print(title, shown, whole)
    if report is not None:
        click.echo(f"wrote {report}")


def _check(symbols: tuple[str, ...], report: Path | None, live: bool, drift: bool, version: str | None) -> None:
    if live and drift:
        raise click.UsageError("--live and --drift: expected one of them")
    if live and version is not None:
        raise click.UsageError("--live: expected no --version, since the record is that of whichever version spoke")
    if drift and symbols:
        raise click.UsageError("--drift: expected no symbols, since a drift is that of the model")
    if report is not None and (live or drift):
        raise click.UsageError("--report: expected neither --live nor --drift; the page is about the held-out span")


def _document(shown: Mapping[str, Diagnostics], whole: Universe | None) -> dict[str, Any]:
    """The held-out span for scripts; the universe is null where there is none."""
    return {
        "universe": universe_dict(whole),
        "diagnostics": {symbol: to_dict(one) for symbol, one in shown.items()},
    }


def _print(title: str, shown: Mapping[str, Diagnostics], whole: Universe | None) -> None:
    """The held-out span for people: the table, a line for the universe, and one a symbol."""
    print_table(title, COLUMNS, [row(*item) for item in shown.items()])
    if whole is not None:
        click.echo(universe_text(whole))
    for symbol, one in shown.items():
        # Where the verdict speaks of an echo, the lag's own sentence would say the same again.
        delay = f" {lag_text(one.lag)}" if one.lag and not is_echo(one.lag) else ""
        click.echo(f"{symbol}: {one.verdict.text}{delay}")

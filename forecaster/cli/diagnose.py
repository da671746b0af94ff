"""`forecaster diagnose`: how wrong and how late a model's held-out forecasts were."""

from __future__ import annotations

from pathlib import Path

import click

from data.errors import UnknownSymbol
from forecaster.cli.console import (
    chosen,
    json_option,
    name_option,
    parse_symbols,
    print_json,
    print_table,
    registry,
    reports_errors,
    settings,
    version_option,
)
from forecaster.cli.figures import COLUMNS, row
from forecaster.diagnostics.diagnostics import to_dict
from forecaster.diagnostics.verdict import is_echo, lag_text
from forecaster.report import report_html


@click.command(
    short_help="Show how wrong and how late forecasts were.",
    epilog="""\b
Examples:
  forecaster diagnose AAPL
  forecaster diagnose --report report.html
""",
)
@click.argument("symbols", nargs=-1)
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), help="Write a page with pictures.")
@name_option
@version_option
@json_option
@reports_errors
def diagnose(
    symbols: tuple[str, ...], report: Path | None, name: str | None, version: str | None, as_json: bool
) -> None:
    """Print the diagnostics of SYMBOLS (all that the model was judged on, if none) on the held-out span."""
    wanted = parse_symbols(symbols)
    model, bundle = chosen(registry(settings(), name), version)
    known = bundle.diagnostics()
    for symbol in wanted:
        if symbol not in known:
            raise UnknownSymbol(symbol, sorted(known))
    shown = {symbol: known[symbol] for symbol in wanted or sorted(known)}
    if report is not None:
        page = report_html(list(shown), bundle, bundle.evidence(), f"{model.name} version {model.version}")
        report.write_text(page, encoding="utf-8")
    if as_json:
        print_json(
            {
                "model": {
                    "name": model.name,
                    "version": model.version,
                    "trained_through": bundle.trained_through,
                },
                "diagnostics": {symbol: to_dict(one) for symbol, one in shown.items()},
            }
        )
        return
    print_table(f"{model.name} version {model.version}", COLUMNS, [row(*item) for item in shown.items()])
    for symbol, one in shown.items():
        # Where the verdict speaks of an echo, the lag's own sentence would say the same again.
        delay = f" {lag_text(one.lag)}" if one.lag and not is_echo(one.lag) else ""
        click.echo(f"{symbol}: {one.verdict.text}{delay}")
    if report is not None:
        click.echo(f"wrote {report}")

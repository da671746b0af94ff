"""`forecaster gates`: what a network's gates do over a real window, and how far back its forecast looks."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final

import click
import numpy as np

from data.symbols import parse_symbol
from forecaster.cli.console import (
    bars_for,
    chosen,
    json_option,
    name_option,
    price_store,
    print_json,
    print_table,
    registry,
    reports_errors,
    settings,
    version_option,
)
from forecaster.gates import RANGES, SATURATED, Inside, Layer, look, memory_text, saturation, signed, to_dict
from forecaster.report import gates_html

_BAR: Final = 24
_UNITS: Final = 3


@click.command(
    short_help="Look inside a network at work.",
    epilog="""\b
Examples:
  forecaster gates AAPL
  forecaster gates AAPL --as-of 2012-06-29 --report gates.html
""",
)
@click.argument("symbol")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="Use no bar of a later session.")
@click.option(
    "--sessions",
    "rows",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="Rows a table, from the newest session back; the page and --json have all of the window.",
)
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), help="Write a page with pictures.")
@name_option
@version_option
@json_option
@reports_errors
def gates(
    symbol: str,
    as_of: datetime | None,
    rows: int,
    report: Path | None,
    name: str | None,
    version: str | None,
    as_json: bool,
) -> None:
    """Show what the gates and states of each layer did over the newest window of SYMBOL.

    Beside it stands how much the forecast depends on each session of the window, and its effective memory: how many
    of the newest sessions hold 90 % of that.
    """
    where, wanted = settings(), parse_symbol(symbol)
    model, bundle = chosen(registry(where, name), version)
    forecaster = bundle.model()
    bars, _ = bars_for(forecaster, (wanted,), price_store(where), as_of.date() if as_of else None)
    inside = look(forecaster, bundle.gates(), bars, wanted)
    label = f"{model.name} version {model.version}"
    if report is not None:
        report.write_text(gates_html(inside, bundle.spec, label), encoding="utf-8")
    if as_json:
        about = {"name": model.name, "version": model.version, "trained_through": bundle.trained_through}
        print_json({**to_dict(inside), "model": about})
        return
    _print(inside, label, rows)
    if report is not None:
        click.echo(f"wrote {report}")


def _print(inside: Inside, label: str, rows: int) -> None:
    newest = range(max(len(inside.session) - rows, 0), len(inside.session))
    _print_sessions(inside, label, newest)
    for layer in inside.layers:
        _print_layer(inside, layer, newest)
    _print_saturation(inside)
    click.echo(memory_text(inside))


def _print_saturation(inside: Inside) -> None:
    found = [(layer, one) for layer in inside.layers for one in saturation(layer) if one.units]
    if not found:
        click.echo(f"no unit of any layer is ever within {SATURATED:g} of an end of its range")
        return
    print_table(
        f"saturation: within {SATURATED:g} of an end of the range, of all units and sessions",
        ("layer", "trace", "low end", "high end", "most often the units"),
        [
            (
                _name(layer),
                one.trace,
                f"{RANGES[one.trace][0]:g}: {one.low:.1%}",
                f"{RANGES[one.trace][1]:g}: {one.high:.1%}",
                ", ".join(f"{unit} ({often:.0%})" for unit, often in islice(one.units.items(), _UNITS)),
            )
            for layer, one in found
        ],
    )


def _print_sessions(inside: Inside, label: str, shown: range) -> None:
    highest = inside.shares.max() or 1.0
    columns = {
        "session": [str(one) for one in inside.session],
        "close": [f"{price:.2f}" for price in inside.close],
        "sensitivity": [f"{one:.4f}" for one in inside.sensitivity],
        "share": [f"{one:.1%}" for one in inside.shares],
    }
    if inside.attention is not None:
        columns["attention"] = [f"{one:.1%}" for one in inside.attention]
    columns[""] = [("█" * round(_BAR * one / highest)).ljust(_BAR, "·") for one in inside.shares]
    print_table(
        f"{inside.symbol}, {label}: {len(inside.session)} sessions from {inside.session[0]} to {inside.session[-1]}",
        tuple(columns),
        [tuple(column[t] for column in columns.values()) for t in shown],
    )


def _print_layer(inside: Inside, layer: Layer, shown: range) -> None:
    sizes = [np.abs(values) if signed(trace) else values for trace, values in layer.traces.items()]
    print_table(
        f"{_name(layer)}: mean ± standard deviation over {layer.size}",
        ("session", *(f"|{trace}|" if signed(trace) else trace for trace in layer.traces)),
        [(str(inside.session[t]), *(f"{one[t].mean():.2f} ± {one[t].std():.2f}" for one in sizes)) for t in shown],
    )


def _name(layer: Layer) -> str:
    return f"layer {layer.position}, {layer.direction}"

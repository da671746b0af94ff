"""`forecaster diagnose --live`: how published forecasts have done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from data.store import PriceStore
from forecaster.cli.console import print_json, print_table
from forecaster.cli.figures import COLUMNS, row
from forecaster.diagnostics.diagnostics import to_dict
from forecaster.ledger.errors import NotPublished
from forecaster.ledger.live import Live, live_diagnostics
from forecaster.ledger.table import Ledger


def show_live(ledger: Ledger, store: PriceStore, name: str, wanted: tuple[str, ...], *, as_json: bool) -> None:
    """Print the record of what was published under a model's name, apart from any held-out span.

    Raises:
        NotPublished: nothing was published of one of the symbols that are `wanted`.
        LedgerError, StoreError: the ledger, or the prices, cannot be read.
    """
    known = live_diagnostics(ledger, store, name)
    for symbol in wanted:
        if symbol not in known:
            raise NotPublished(symbol, name, sorted(known))
    shown = {symbol: known[symbol] for symbol in wanted or sorted(known)}
    if as_json:
        print_json({"model": {"name": name}, "live": {symbol: _document(one) for symbol, one in shown.items()}})
        return
    if not shown:
        click.echo(f"nothing was published under {name} yet: forecaster publish")
        return
    columns = (*COLUMNS[:1], "since", "pending", *COLUMNS[1:])
    print_table(f"{name}, published forecasts", columns, [_row(*item) for item in shown.items()])
    for symbol, one in shown.items():
        click.echo(f"{symbol}: {one.diagnostics.verdict.text.rstrip('.')}.{_beside(one)}")


def _row(symbol: str, live: Live) -> tuple[str, ...]:
    figures = row(symbol, live.diagnostics)
    return (figures[0], f"{live.since:%Y-%m-%d}", str(live.pending), *figures[1:])


def _beside(live: Live) -> str:
    spoke = "version" if len(live.versions) == 1 else "versions"
    text = f" Published by {spoke} {', '.join(live.versions)}."
    if live.restated:
        text += f" {live.restated} of {live.published} rest on a close that the store now tells otherwise."
    return text


def _document(live: Live) -> Mapping[str, Any]:
    return {
        "since": live.since.isoformat(),
        "versions": list(live.versions),
        "published": live.published,
        "pending": live.pending,
        "restated": live.restated,
        **to_dict(live.diagnostics),
    }

"""`forecaster fetch --check`: faults in the prices that are stored."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import click

from data.health.findings import Finding, summary
from data.health.store_check import check_store
from data.store import PriceStore
from forecaster.cli.console import REFUSED, chosen_symbols, print_json, print_table, progress_bar
from forecaster.settings import Settings

# Of each kind.
_SHOWN = 5


def check_prices(
    store: PriceStore, where: Settings, wanted: Sequence[str], name: str | None, now: datetime, *, as_json: bool
) -> None:
    """Print what is wrong with the bars of some symbols, or of all; exit with 3 where something is."""
    with progress_bar(hidden=as_json) as shown:
        task = shown.add_task("checking", total=None)
        findings = check_store(
            store,
            now=now,
            symbols=chosen_symbols(wanted, name, where),
            progress=lambda done, total: shown.update(task, completed=done, total=total),
        )
    if as_json:
        print_json([_document(one) for one in findings])
    else:
        _print(findings)
    if any(one.severity == "problem" for one in findings):
        raise SystemExit(REFUSED)


def _document(one: Finding) -> dict[str, object]:
    return {
        "kind": str(one.kind),
        "severity": one.severity,
        "symbol": one.symbol,
        "first": f"{one.first}",
        "last": f"{one.last}",
        "sessions": one.sessions,
        "text": one.text,
    }


def _print(findings: Sequence[Finding]) -> None:
    if not findings:
        click.echo("nothing found")
        return
    rows = [
        (str(kind), f"{counts.problems:,}", f"{counts.notes:,}", f"{counts.symbols:,}")
        for kind, counts in summary(findings).items()
    ]
    print_table("findings", ("kind", "problems", "notes", "symbols"), rows)
    for kind in dict.fromkeys(one.kind for one in findings):
        own = sorted((one for one in findings if one.kind == kind), key=lambda one: one.severity != "problem")
        for one in own[:_SHOWN]:
            click.echo(f"{one.severity:8} {one.symbol}: {one.text}")
        if len(own) > _SHOWN:
            click.echo(f"         {kind}: … and {len(own) - _SHOWN:,} more; --json lists all")

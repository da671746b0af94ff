"""`forecaster migrate`: what an earlier version of this program left, brought to what this one reads."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator

import click

from data.errors import DataError
from data.store import PriceStore
from forecaster.cli.console import (
    FAILED,
    json_option,
    price_store,
    print_json,
    print_table,
    reports_errors,
    settings,
    wait_option,
)
from forecaster.errors import ForecasterError
from forecaster.migration.artefact import BROKEN, Artefact, State
from forecaster.migration.survey import survey
from forecaster.quiet import native_stderr_withheld
from forecaster.settings import Settings
from forecaster.step import Step


@click.command(
    short_help="Bring what an earlier version wrote up to date.",
    epilog="""\b
Examples:
  forecaster migrate --dry-run
  forecaster migrate

Prices, the ledger, bundles, decisions and records of passes carry the number of their schema. Nothing is lost when
this is killed: each of them is the old one or the new one, and the same command goes on.
""",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@wait_option
@json_option
@reports_errors
def migrate(dry_run: bool, wait: float, as_json: bool) -> None:
    """List what carries a schema, and bring what is older to the schema that this version reads.

    Exits with 1 when something stays that this version cannot read.
    """
    # Ends a run as Ctrl-C does: what was begun of a bundle is taken away again.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    where = settings()
    store = price_store(where)
    found = list(survey(where, store))
    if not dry_run and any(one.migrate for one in found):
        with native_stderr_withheld(DataError, ForecasterError), store.writing(wait):
            # Another process may have done it while this one waited.
            found = list(_done(where, store, lines=not as_json))
    if as_json:
        print_json([one.to_dict() for one in found])
    else:
        _show(found)
    sys.exit(FAILED if any(one.state in BROKEN for one in found) else 0)


def _done(where: Settings, store: PriceStore, *, lines: bool) -> Iterator[Artefact]:
    def tell(step: Step) -> None:
        if lines:
            click.echo(step.text, err=True)

    # All of them first: what is made meanwhile is not to be migrated.
    for one in list(survey(where, store, progress=tell)):
        if one.migrate is not None:
            tell(Step(f"{one.kind} {one.name}: from schema {one.schema} to {one.supported}"))
        yield one.done()


def _show(found: list[Artefact]) -> None:
    rows = [
        (
            one.kind,
            one.name,
            "?" if one.schema is None else f"{one.schema}",
            f"{one.supported}",
            str(one.state),
            one.text,
        )
        for one in found
    ]
    if not rows:
        click.echo("there is nothing yet that carries a schema")
        return
    texts = ("which", "state", "what")
    print_table("what carries a schema", ("kind", "which", "schema", "supported", "state", "what"), rows, texts=texts)
    older = sum(one.state is State.OLDER for one in found)
    if older:
        click.echo(f"to migrate: {older}; forecaster migrate does it")

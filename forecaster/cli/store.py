"""`forecaster store`: how the price tables lie in their folder, and keeping them in shape."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta

import click

from data.upkeep import KEPT, clean, compact, shapes
from forecaster.cli.console import (
    json_option,
    price_store,
    print_json,
    print_table,
    registry,
    reports_errors,
    settings,
    wait_option,
)


@click.group(
    short_help="Show, compact and clean the price tables.",
    epilog="""\b
Examples:
  forecaster store show
  forecaster store compact
  forecaster store clean --keep-days 30 --dry-run
""",
)
def store() -> None:
    """Show how the price tables lie in their folder, and keep them in shape."""


@store.command("show")
@json_option
@reports_errors
def show(as_json: bool) -> None:
    """Tables, versions, files, and the content's fingerprint, which does not depend on how it lies in files."""
    held = price_store(settings())
    found = shapes(held)
    fingerprint = held.fingerprint() if any(one.name == "bars" for one in found) else None
    if as_json:
        print_json({"uri": held.uri, "fingerprint": fingerprint, "tables": [asdict(one) for one in found]})
        return
    rows = [
        (one.name, f"{one.version}", f"{one.rows:,}", f"{one.files:,}", f"{one.size / 2**20:,.1f}", f"{one.scattered}")
        for one in found
    ]
    print_table(held.uri, ("table", "version", "rows", "files", "MiB", "parts to compact"), rows)
    click.echo(f"fingerprint of the bars: {fingerprint or 'none, there are no prices yet'}")


@store.command("compact")
@wait_option
@json_option
@reports_errors
def compact_tables(wait: float, as_json: bool) -> None:
    """Rewrite what lies in many small files, so that a reader of one symbol opens few. The content stays as it is."""
    done = compact(price_store(settings()), wait=wait)
    if as_json:
        print_json([asdict(one) for one in done])
        return
    for one in done:
        click.echo(f"{one.name}: {one.partitions} parts rewritten, {one.before:,} files are {one.after:,} now")
    if not done:
        click.echo("nothing to compact")


@store.command("clean")
@click.option(
    "--keep-days", type=click.IntRange(0), default=KEPT.days, show_default=True, help="How long versions stay."
)
@click.option("--dry-run", is_flag=True, help="Only say what would be deleted.")
@wait_option
@json_option
@reports_errors
def clean_tables(keep_days: int, dry_run: bool, wait: float, as_json: bool) -> None:
    """Delete files that only versions replaced longer ago need, and what killed writers left.

    The versions that registered models were trained on stay readable. Where the registry does not answer, nothing is
    deleted: which versions those are is not known then.
    """
    where = settings()
    gone = clean(
        price_store(where),
        keep=timedelta(days=keep_days),
        keep_versions=sorted(registry(where).data_versions()),
        dry_run=dry_run,
        wait=wait,
    )
    if as_json:
        print_json({name: files for name, files in gone.items() if files})
        return
    verb = "would be deleted" if dry_run else "deleted"
    for name, files in gone.items():
        if files:
            click.echo(f"{name}: {len(files):,} files {verb}")
    if not any(gone.values()):
        click.echo("nothing to clean")

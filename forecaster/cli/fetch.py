"""`forecaster fetch`: prices into the store."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import click

from data.ingest import IngestReport, ingest
from data.providers.base import Batch
from data.providers.catalogue import NAMES, provider
from forecaster.cli.console import (
    FAILED,
    json_option,
    parse_symbols,
    price_store,
    print_json,
    progress_bar,
    reports_errors,
    settings,
)

_DAY = click.DateTime(["%Y-%m-%d", "%Y%m%d"])


@click.command(
    short_help="Store daily prices.",
    epilog="""\b
Examples:
  forecaster fetch --provider sample
  forecaster fetch AAPL MSFT --provider sample --start 2005-01-01
  forecaster fetch --provider files --path prices.csv --map close=Settle --map session=Day
""",
)
@click.argument("symbols", nargs=-1)
@click.option("--provider", "name", type=click.Choice(NAMES), default="sample", show_default=True, help="Where from.")
@click.option("--path", type=click.Path(path_type=Path), help="For files: a CSV or Parquet file, or a folder of them.")
@click.option("--map", "mappings", multiple=True, metavar="OURS=THEIRS", help="For files: a column under another name.")
@click.option(
    "--universe",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file, a symbol a line.",
)
@click.option("--start", type=_DAY, help="First session.")
@click.option("--end", type=_DAY, help="Last session.")
@json_option
@reports_errors
def fetch(
    symbols: tuple[str, ...],
    name: str,
    path: Path | None,
    mappings: tuple[str, ...],
    universe: Path | None,
    start: datetime | None,
    end: datetime | None,
    as_json: bool,
) -> None:
    """Fetch daily prices of SYMBOLS (all that the provider has, if none) into the store.

    Running it again changes nothing that has not changed at the source. Rows that cannot be prices are set aside
    with a reason and counted; the command fails when no usable row is left.
    """
    wanted = [*parse_symbols(symbols), *_read_universe(universe)]
    first, last = _day(start), _day(end)
    if first and last and first > last:
        raise click.UsageError(f"--start {first} is later than --end {last}")
    where = settings()
    source = provider(name, path=path, mapping=_mapping(mappings))
    with progress_bar(hidden=as_json) as shown:
        task = shown.add_task("fetching", total=source.size(wanted or None))

        def advance(batch: Batch) -> None:
            shown.update(task, advance=1, description=f"fetched {batch.source}, {len(batch.table):,} rows")

        report = ingest(
            source,
            price_store(where),
            now=datetime.now(UTC),
            symbols=wanted or None,
            start=first,
            end=last,
            progress=advance,
        )
    if as_json:
        print_json(_document(report))
    else:
        _print(report, where.store_uri)
    if report.read and not report.symbols:
        raise SystemExit(FAILED)


def _document(report: IngestReport) -> dict[str, object]:
    return {
        "rows": report.read,
        "inserted": report.inserted,
        "updated": report.updated,
        "unchanged": report.unchanged,
        "quarantined": report.quarantined,
        "symbols": sorted(report.symbols),
        "notes": report.notes,
        "data_version": report.version,
    }


def _print(report: IngestReport, uri: str) -> None:
    click.echo(
        f"{report.read:,} rows of {len(report.symbols)} symbols: {report.inserted:,} new, {report.updated:,} changed, "
        f"{report.unchanged:,} as before, {report.quarantined_rows:,} set aside"
    )
    for reason, rows in sorted(report.quarantined.items()):
        click.echo(f"  set aside: {rows:,} x {reason}")
    for note in report.notes:
        click.echo(f"  note: {note}")
    click.echo(f"stored in {uri}" + ("" if report.version is None else f", version {report.version}"))
    if report.read and not report.symbols:
        click.echo("error: no usable row was left", err=True)


def _read_universe(file: Path | None) -> list[str]:
    if file is None:
        return []
    lines = (line.partition("#")[0].strip() for line in file.read_text(encoding="utf-8").splitlines())
    return list(parse_symbols([line for line in lines if line]))


def _mapping(pairs: tuple[str, ...]) -> dict[str, str]:
    mapping = {}
    for pair in pairs:
        ours, separator, theirs = pair.partition("=")
        if not separator or not ours or not theirs:
            raise click.UsageError(f"--map: expected OURS=THEIRS, such as close=Settle, got {pair!r}")
        mapping[ours] = theirs
    return mapping


def _day(moment: datetime | None) -> date | None:
    return None if moment is None else moment.date()

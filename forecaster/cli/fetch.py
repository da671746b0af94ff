"""`forecaster fetch`: prices into the store."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from data.ingest import IngestReport, ingest
from data.providers.base import Batch, Incremental, Plan, Provider
from data.providers.catalogue import NAMES
from forecaster.cli.check import check_prices
from forecaster.cli.console import (
    FAILED,
    json_option,
    parse_symbols,
    price_store,
    print_json,
    progress_bar,
    reports_errors,
    settings,
    universe_option,
    wait_option,
)
from forecaster.cli.pacing import CallsShown
from forecaster.sources import opened, to_fetch

if TYPE_CHECKING:
    from data.providers.tushare.provider import TushareProvider

_DAY = click.DateTime(["%Y-%m-%d", "%Y%m%d"])
_MISSING_SHOWN = 10


@click.command(
    short_help="Store daily prices, or check those that are stored.",
    epilog="""\b
Examples:
  forecaster fetch --provider sample
  forecaster fetch AAPL MSFT --provider sample --start 2005-01-01
  forecaster fetch --provider files --path prices.csv --map close=Settle --map session=Day
  TUSHARE_TOKEN=... forecaster fetch 600519.SH 000300.SH --provider tushare --start 2015-01-01
  forecaster fetch --provider tushare --universe 000300.SH    # the members of an index
  forecaster fetch --provider tushare --universe all          # announced before it starts
  forecaster fetch --provider tushare                         # what is new since
  forecaster fetch --check                                    # gaps, jumps, stale symbols; exits with 3
""",
)
@click.argument("symbols", nargs=-1)
@click.option("--provider", "name", type=click.Choice(NAMES), default="sample", show_default=True, help="Where from.")
@click.option("--path", type=click.Path(path_type=Path), help="For files: a CSV or Parquet file, or a folder of them.")
@click.option("--map", "mappings", multiple=True, metavar="OURS=THEIRS", help="For files: a column under another name.")
@universe_option
@click.option("--start", type=_DAY, help="First session.")
@click.option("--end", type=_DAY, help="Last session.")
@click.option("--recheck", is_flag=True, help="For tushare: ask again for what is stored, too.")
@click.option("--plan", "only_plan", is_flag=True, help="For tushare: say what would be asked, and stop.")
@click.option("--check", is_flag=True, help="Fetch nothing: look for faults in what is stored.")
@wait_option
@json_option
@reports_errors
def fetch(
    symbols: tuple[str, ...],
    name: str,
    path: Path | None,
    mappings: tuple[str, ...],
    universe_name: str | None,
    start: datetime | None,
    end: datetime | None,
    recheck: bool,
    only_plan: bool,
    check: bool,
    wait: float,
    as_json: bool,
) -> None:
    """Fetch daily prices of SYMBOLS into the store.

    Without symbols all that the provider has; from tushare, which has thousands, those that it sent before. Running it
    again changes nothing that has not changed at the source. Rows that cannot be prices are set aside with a reason and
    counted. It fails when no usable row is left, and when something that was asked for did not come: what came is kept,
    what is missing is listed, and the same command goes on from there.
    """
    wanted = parse_symbols(symbols)
    first, last = _day(start), _day(end)
    if first and last and first > last:
        raise click.UsageError(f"--start {first} is later than --end {last}")
    where, now = settings(), datetime.now(UTC)
    store = price_store(where)
    if check:
        check_prices(store, where, wanted, universe_name, now, as_json=as_json)
        return
    with progress_bar(hidden=as_json) as shown, store.writing(wait):
        calls = CallsShown(shown)
        source = opened(name, where, path=path, mapping=_mapping(mappings), on_wait=calls.waits)
        _told_of_address(source, calls)
        chosen, everything = to_fetch(source, store, where, symbols=wanted, name=universe_name, day=now.date())
        if isinstance(source, Incremental):
            advance = calls.advance
        elif only_plan or recheck:
            raise click.UsageError("--plan and --recheck are for --provider tushare, which is asked bit by bit")
        else:
            task = shown.add_task("fetching", total=source.size(chosen))

            def advance(batch: Batch) -> None:
                shown.update(task, advance=1, description=f"fetched {batch.source}, {len(batch.table):,} rows")

        report = ingest(
            source,
            store,
            now=now,
            symbols=chosen,
            everything=everything,
            start=first,
            end=last,
            recheck=recheck,
            only_plan=only_plan,
            planned=calls.announce,
            progress=advance,
        )
    if as_json:
        print_json(_document(report, calls.plan))
    elif not only_plan:
        _print(report, where.store_uri)
    if report.missing or report.failure or (report.read and not report.symbols):
        raise SystemExit(FAILED)


def _told_of_address(source: Provider | TushareProvider, calls: CallsShown) -> None:
    if isinstance(source, Incremental) and not source.secure:
        calls.say(
            f"warning: {source.address} is not encrypted, and your token travels to it in the clear; "
            "set FORECASTER_TUSHARE_URL to an address that begins with https://"
        )


def _document(report: IngestReport, plan: Plan | None) -> dict[str, object]:
    document: dict[str, object] = {
        "rows": report.read,
        "inserted": report.inserted,
        "updated": report.updated,
        "unchanged": report.unchanged,
        "quarantined": report.quarantined,
        "symbols": sorted(report.symbols),
        "notes": report.notes,
        "data_version": report.version,
    }
    if plan is not None:
        document["plan"] = {"text": plan.text, "calls": plan.calls, "seconds": plan.seconds}
        document["calls"] = report.calls
        document["missing"] = [
            {"symbols": one.symbols, "first": f"{one.first}", "last": f"{one.last}", "why": one.why}
            for one in report.missing
        ]
        failure = report.failure
        document["error"] = failure and {"type": type(failure).__name__, "message": str(failure)}
    return document


def _print(report: IngestReport, uri: str) -> None:
    click.echo(
        f"{report.read:,} rows of {len(report.symbols):,} symbols: {report.inserted:,} new, "
        f"{report.updated:,} changed, {report.unchanged:,} as before, {report.quarantined_rows:,} set aside"
    )
    for reason, rows in sorted(report.quarantined.items()):
        click.echo(f"  set aside: {rows:,} x {reason}")
    for note in report.notes:
        click.echo(f"  note: {note}")
    click.echo(f"stored in {uri}" + ("" if report.version is None else f", version {report.version}"))
    if report.failure is not None:
        click.echo(f"error: {report.failure}", err=True)
    for one in report.missing[:_MISSING_SHOWN]:
        click.echo(f"missing: {one}", err=True)
    if len(report.missing) > _MISSING_SHOWN:
        click.echo(f"missing: … and {len(report.missing) - _MISSING_SHOWN:,} more; --json lists all", err=True)
    if report.missing or report.failure:
        click.echo("what came is stored; the same command goes on from there", err=True)
    elif report.read and not report.symbols:
        click.echo("error: no usable row was left", err=True)


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

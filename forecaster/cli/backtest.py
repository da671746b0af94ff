"""`forecaster backtest`: how models and baselines would have done, fitted anew again and again."""

from __future__ import annotations

import signal
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import click

from data.errors import DataError
from forecaster.backtest.engine import Engine
from forecaster.backtest.entrants import DEFAULT, entrants
from forecaster.backtest.folds import EVERY, FOLDS, Plan
from forecaster.backtest.run import run_backtest
from forecaster.baselines.registered import BASELINES
from forecaster.cli.backtested import Shown, show
from forecaster.cli.console import (
    FAILED,
    chosen_symbols,
    json_option,
    parse_symbols,
    price_store,
    progress_bar,
    reports_errors,
    settings,
    universe_option,
)
from forecaster.errors import ForecasterError, SpecError
from forecaster.quiet import native_stderr_withheld


def _window(context: click.Context, parameter: click.Parameter, value: str) -> int | None:
    """A number of sessions; None for all."""
    if value == "expanding":
        return None
    if not value.isdecimal() or int(value) < 1:
        raise click.BadParameter(f"expected expanding or a number of sessions, got {value!r}", context, parameter)
    return int(value)


def _day(context: click.Context, parameter: click.Parameter, value: datetime | None) -> date | None:
    return None if value is None else value.date()


@click.command(
    short_help="Compare models and baselines, fitted anew again and again.",
    epilog="""\b
Examples:
  forecaster backtest                                          the default spec against all baselines, two years
  forecaster backtest AAPL MSFT --folds 4 --report report.html
  forecaster backtest --spec default --spec docs/classic.toml  and the tutorials' form, to see its lag
  forecaster backtest --window 1000 --gap 5 --from 2017-01-01  each refit knows 1,000 sessions
  forecaster backtest --engine dask --address tcp://scheduler:8786 --out /shared/backtest

What is done is kept: a backtest that was stopped or killed goes on when the same command is given again.
""",
)
@click.argument("symbols", nargs=-1)
@universe_option
@click.option(
    "--spec",
    "specs",
    multiple=True,
    metavar="FILE",
    help="A TOML file, named by it in tables, or default; more than one may be given.  [default: default]",
)
@click.option(
    "--baselines",
    metavar="NAMES",
    help=f"Which of {','.join(BASELINES)}; naive is always there.  [default: all that are installed]",
)
@click.option("--folds", type=int, help=f"How many refits.  [default: {FOLDS}, or as many as the span has]")
@click.option("--every", type=int, help=f"Sessions between two refits.  [default: {EVERY}]")
@click.option("--sessions", type=int, help="How many sessions to forecast: from --from on, or the newest.")
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), callback=_day, help="First session of an origin.")
@click.option("--to", "last", type=click.DateTime(["%Y-%m-%d"]), callback=_day, help="Last session of an origin.")
@click.option(
    "--window",
    metavar="expanding|N",
    default="expanding",
    callback=_window,
    help="Sessions that a refit knows.  [default: expanding]",
)
@click.option("--gap", type=int, default=0, help="Sessions between the newest that is fitted on and the first origin.")
@click.option("--seed", "seeds", type=int, multiple=True, help="Of the training; more than one trains as many.")
@click.option("--engine", type=click.Choice(["local", "dask", "ray"]), default="local", help="Who does the work.")
@click.option("--address", help="Of a Dask or Ray cluster; without one, a cluster is started on this machine.")
@click.option("--jobs", type=click.IntRange(min=1), help="How many tasks at a time.  [default: one a core]")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Where results go.  [default: under home]"
)
@click.option("--fresh", is_flag=True, help="Do all of it anew.")
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), help="Write a page with pictures.")
@json_option
@reports_errors
def backtest(
    symbols: tuple[str, ...],
    universe_name: str | None,
    specs: tuple[str, ...],
    baselines: str | None,
    folds: int | None,
    every: int | None,
    sessions: int | None,
    first: date | None,
    last: date | None,
    window: int | None,
    gap: int,
    seeds: tuple[int, ...],
    engine: Engine,
    address: str | None,
    jobs: int | None,
    out: Path | None,
    fresh: bool,
    report: Path | None,
    as_json: bool,
) -> None:
    """Forecast past sessions of SYMBOLS (all in the store, if none) as they would have been forecast then.

    Every model and every baseline is fitted at the same refits, on what was known by then, and forecasts the same
    sessions.
    """
    # Ends a run as Ctrl-C does, so that no process is left behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if address is not None and engine == "local":
        raise SpecError("--address", "--engine dask or --engine ray with it", "--engine local")
    where = settings()
    plan = Plan(every, folds, sessions, first, last, window, gap)
    contest = entrants(specs or (DEFAULT,), None if baselines is None else baselines.split(","), seeds)
    with native_stderr_withheld(DataError, ForecasterError, OSError), progress_bar(hidden=as_json) as shown:
        made = run_backtest(
            price_store(where),
            contest.contestants,
            plan,
            contest.levels,
            now=datetime.now(UTC),
            home=where.home / "backtests",
            folder=out,
            symbols=chosen_symbols(symbols, universe_name, where),
            seeds=seeds,
            engine=engine,
            address=address,
            jobs=jobs,
            fresh=fresh,
            progress=Shown(shown, lines=not as_json),
        )
    show(made, contest.absent, report, parse_symbols(symbols), as_json=as_json)
    sys.exit(0 if made.complete else FAILED)

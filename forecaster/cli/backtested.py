"""What `forecaster backtest` says: how far it is, what came out, and what is missing."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from rich.progress import Progress as Bar
from rich.progress import TaskID

from forecaster.backtest.entrants import NAIVE
from forecaster.backtest.errors import NothingToCompare
from forecaster.backtest.run import Backtest
from forecaster.backtest.work import Progress
from forecaster.cli.console import print_json, print_table
from forecaster.cli.pacing import duration

if TYPE_CHECKING:
    from forecaster.backtest.summary import Summary

# Where there is no terminal, a line when something is done, but not too often; and a sign of life in between.
_SECONDS_A_LINE: Final = 15.0
_SECONDS_A_SIGN: Final = 120.0


class Shown:
    """Progress on stderr: a bar on a terminal, a line now and then elsewhere."""

    def __init__(self, shown: Bar, *, lines: bool) -> None:
        """Shows nothing yet."""
        self._shown, self._lines = shown, lines
        self._task: TaskID = shown.add_task("reading prices", total=1.0)
        self._began = self._told = time.monotonic()
        self._first: Progress | None = None
        self._done = -1

    def __call__(self, now: Progress) -> None:
        """How far it is."""
        self._first = self._first or now
        counts = f"{now.done} of {now.total} done"
        running = "; ".join(now.running)
        # What was kept from an earlier run says nothing about how fast this one is.
        self._shown.update(self._task, completed=now.part, description=f"{counts}; {running}"[:120])
        clock = time.monotonic()
        due = clock - self._told >= (_SECONDS_A_LINE if now.done > self._done else _SECONDS_A_SIGN)
        if self._shown.disable and self._lines and (due or now.done == now.total > self._done):
            self._told, self._done = clock, now.done
            fresh = now.part - self._first.part
            left = (clock - self._began) * (1 - now.part) / fresh if fresh > 0 else None
            told = "" if left is None or now.done == now.total else f", about {duration(left)} left"
            click.echo(f"{counts}{told}" + (f": {running}" if running else ""), err=True)


def show(made: Backtest, absent: dict[str, str], report: Path | None, symbols: Sequence[str], *, as_json: bool) -> None:
    """Print what came out, and write the page."""
    # Imported here: figures need none of it before there are forecasts.
    from forecaster.backtest.summary import summarise

    if NAIVE not in set(made.table["model"]):
        raise NothingToCompare({str(name): len(own) for name, own in made.table.groupby("model")}, made.facts["failed"])
    summary = summarise(made.table, made.levels)
    if report is not None:
        from forecaster.report.backtest import backtest_html

        report.write_text(backtest_html(made.table, summary, made.facts, symbols=symbols), encoding="utf-8")
    if as_json:
        document = {**made.facts, "absent": absent, "folder": str(made.folder), "summary": summary.to_dict()}
        print_json(document)
    else:
        _print(made, summary, absent)
        if report is not None:
            click.echo(f"wrote {report}")


def _print(made: Backtest, summary: Summary, absent: dict[str, str]) -> None:
    from forecaster.backtest.printed import COLUMNS, explained, printed, sentences

    spans = made.facts["folds"]
    origins = made.facts["origins"]
    title = (
        f"{origins['common']:,} forecasts of {summary.symbols} symbols, {spans[0]['first']} to {spans[-1]['last']}, "
        f"{len(spans)} refits, store version {made.facts['data']['version']}"
    )
    print_table(title, COLUMNS, printed(summary))
    click.echo(explained(summary))
    for line in sentences(summary):
        click.echo(line)
    _print_left_out(made, absent)
    click.echo(f"forecasts in {made.folder / 'forecasts.parquet'}")


def _print_left_out(made: Backtest, absent: dict[str, str]) -> None:
    origins = made.facts["origins"]
    missing = origins["asked"] - origins["common"]
    if missing:
        who = [f"{_label(one)} {one['missing']:,}" for one in made.facts["contestants"] if one["missing"]]
        click.echo(f"left out, for not all forecast them: {missing:,} of {origins['asked']:,} ({', '.join(who)})")
    for name, why in absent.items():
        click.echo(f"not there: {name}: {why}")
    failed: Sequence[tuple[str, str]] = list(made.facts["failed"].items())
    for label, why in failed:
        click.echo(f"failed: {label}: {why}", err=True)
    if failed:
        click.echo(
            "incomplete: a contestant that failed in a fold is left out; the same command tries what failed again",
            err=True,
        )


def _label(contestant: Mapping[str, Any]) -> str:
    seed = contestant["seed"]
    return str(contestant["name"]) + ("" if seed is None else f" (seed {seed})")

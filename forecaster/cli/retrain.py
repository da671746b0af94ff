"""`forecaster retrain`: one pass of the unattended job."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta

import click

from data.clock import SystemClock
from forecaster.cli.console import (
    FAILED,
    json_option,
    name_option,
    print_json,
    print_table,
    registry,
    reports_errors,
    settings,
)
from forecaster.cli.pacing import duration
from forecaster.pipeline.folder import Passes
from forecaster.pipeline.order import STEPS
from forecaster.pipeline.record import Pass, PassState, StepRecord
from forecaster.pipeline.run import run_pass
from forecaster.settings import Settings

_SHOWN = 20


@click.command(
    short_help="One unattended pass: fetch, score, retrain where due, publish.",
    epilog="""\b
Examples:
  forecaster retrain                       # for cron: after the close, as often as one likes
  forecaster retrain --json --wait 600
  forecaster retrain --until check         # fetch and look, and go on later
  forecaster retrain --force-train         # a challenger whatever the reasons
  forecaster retrain --list                # the passes so far

What it does is set in the table [retrain] of forecaster.toml: provider, universe, when a challenger is due, how long
each step may take. A pass that failed or was killed goes on where it stands when the same command is given again. A
challenger that the gate refuses is a pass that is done. Exit code 1: a step failed, the others were done all the same.
""",
)
@name_option
@click.option("--force-train", is_flag=True, help="Train a challenger whatever the reasons.")
@click.option("--until", type=click.Choice(STEPS), help="Stop after this step.")
@click.option(
    "--wait",
    type=click.FloatRange(min=0),
    default=0.0,
    metavar="SECONDS",
    help="How long to wait while another process is at a pass.  [default: not at all]",
)
@click.option("--list", "listed", is_flag=True, help="Show the passes so far, and do nothing.")
@json_option
@reports_errors
def retrain(name: str | None, force_train: bool, until: str | None, wait: float, listed: bool, as_json: bool) -> None:
    """Run the pass of the session whose bars are due now, or go on with it; where it is complete, do nothing.

    Prices are fetched and checked, published forecasts scored, a challenger is trained where one is due and promoted
    where its evidence is good enough, and the champion's forecasts for the next session are published before it opens.
    """
    found = settings()
    where = found.model_copy(update={"model": registry(found, name).name})
    if listed:
        _list(where, as_json=as_json)
        return
    done = run_pass(where, SystemClock(), force_train=force_train, until=until, wait=wait, tell=_teller(hidden=as_json))
    if as_json:
        print_json(done.model_dump(mode="json"))
    else:
        _print(done)
    if done.state is PassState.FAILED:
        sys.exit(FAILED)


def _teller(*, hidden: bool) -> Callable[[str], None]:
    def tell(line: str) -> None:
        if not hidden:
            click.echo(line, err=True)

    return tell


def _print(done: Pass) -> None:
    rows = [
        (one.name, one.state.replace("_", " "), f"{one.attempts or '-'}", _took(one), one.detail) for one in done.steps
    ]
    columns = ("step", "state", "attempts", "took", "what came of it")
    print_table(f"{done.name} after {done.session}", columns, rows, texts=("state", "what came of it"))
    click.echo(f"{done.name}: the pass of {done.key} {_ended(done)}")


def _ended(done: Pass) -> str:
    if done.state is PassState.FAILED:
        broken = " and ".join(one.name for one in done.steps if one.broken)
        return f"failed at {broken}; the same command goes on with it"
    if done.state is PassState.STOPPED:
        return "was stopped; the same command goes on with it"
    return "is complete"


def _took(step: StepRecord) -> str:
    if step.started is None or step.finished is None:
        return "-"
    return duration(max(step.finished - step.started, timedelta(0)).total_seconds())


def _list(where: Settings, *, as_json: bool) -> None:
    passes = Passes(where.home, where.model)
    found, busy = passes.all(), passes.held_by_someone
    if as_json:
        print_json([one.model_dump(mode="json") | {"interrupted": _interrupted(one, busy)} for one in found])
        return
    if not found:
        click.echo(f"{where.model} has had no pass yet: forecaster retrain")
        return
    rows = [(one.key, _state(one, busy), f"{one.started:%Y-%m-%d %H:%M} UTC", *_told(one)) for one in found[:_SHOWN]]
    columns = ("pass", "state", "began", "challenger", "published")
    print_table(f"passes of {where.model}, the newest first", columns, rows)
    if len(found) > _SHOWN:
        click.echo(f"{len(found) - _SHOWN:,} more, which --json lists")


def _interrupted(one: Pass, busy: bool) -> bool:
    return one.state is PassState.RUNNING and not busy


def _state(one: Pass, busy: bool) -> str:
    return "interrupted" if _interrupted(one, busy) else f"{one.state}"


def _told(one: Pass) -> tuple[str, str]:
    promoted, published = one.evidence("promote"), one.evidence("publish")
    challenger = "-"
    if "version" in promoted:
        challenger = f"{promoted['version']}, {'promoted' if promoted['promoted'] else 'refused'}"
    count = f"{published['published'] + published['already']:,}" if published else "-"
    late = f", {published['too_late']:,} too late" if published.get("too_late") else ""
    return challenger, count + late

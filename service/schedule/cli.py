"""`forecaster schedule`: runs the unattended pass after each trading day's close."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Any

import click

from forecaster.cli.console import (
    FAILED,
    REFUSED,
    json_option,
    name_option,
    print_json,
    registry,
    reports_errors,
    settings,
)
from forecaster.heartbeat import Heartbeat, HeartbeatFolder, LastPass, Liveness, Seen, State
from forecaster.settings import Settings


@click.command(
    short_help="Run the unattended pass after each trading day.",
    epilog="""\b
Examples:
  forecaster schedule
  forecaster schedule --once
  forecaster schedule --status --json
  FORECASTER_SCHEDULE__DELAY_MINUTES=30 forecaster schedule
""",
)
@name_option
@click.option("--once", is_flag=True, help="Run what is due now, wait for it, and end with its exit code.")
@click.option("--status", is_flag=True, help="Only say whether a scheduler is alive; exit with 3 where none is.")
@json_option
@reports_errors
def schedule(name: str | None, once: bool, status: bool, as_json: bool) -> None:
    """Run `forecaster retrain` after the close of each trading day, until stopped by Ctrl-C or SIGTERM.

    The trading days are those of the exchanges whose symbols are stored. A pass that fails is tried again until the
    session that it forecasts opens; one that was not done by then is missed, and said to be. However many schedulers
    are started on one home or one store, one of them runs the passes; the others stand by and take over when it ends.

    Settings are in the table [schedule] of forecaster.toml.
    """
    if once and status:
        raise click.UsageError("expected --once or --status, got both")
    if as_json and not (once or status):
        raise click.UsageError("--json prints how --once or --status ends; the scheduler itself writes logs")
    where = settings()
    model = registry(where, name).name
    if status:
        _print_status(HeartbeatFolder(where.home).look(model, datetime.now(UTC)), as_json=as_json)
    else:
        _run(where, model, once=once, as_json=as_json)


def _run(where: Settings, model: str, *, once: bool, as_json: bool) -> None:
    # Here, not above: reading prices and calendars takes time that a look at the status need not take.
    from service import logs
    from service.schedule.build import build
    from service.schedule.waiting import UntilSignal

    clock = UntilSignal()
    logs.configure()
    scheduler = build(where, model, clock)
    if not once:
        scheduler.run()
        return
    beat, passed = scheduler.once()
    code, text = ending(beat, passed, stopped=clock.stopped)
    if as_json:
        document = None if passed is None else passed.model_dump(mode="json")
        print_json({"state": beat.state.value, "text": text, "pass": document, "next_due": _moment(beat.next_due)})
    else:
        click.echo(text, err=code != 0)
    sys.exit(code)


def ending(beat: Heartbeat, passed: LastPass | None, *, stopped: bool) -> tuple[int, str]:
    """Exit code and sentence of `--once`.

    Args:
        beat: what the scheduler said last.
        passed: the pass that it ran; None where it ran none.
        stopped: whether it was told to end.
    """
    if passed is not None:
        of = ", ".join(f"{exchange} {session}" for exchange, session in sorted(passed.sessions.items()))
        # What a signal ended has failed, too.
        return (passed.code if passed.code >= 0 else FAILED), f"{of}: {passed.detail}"
    if stopped:
        return FAILED, "told to stop before the pass was done"
    if beat.state is State.STANDBY:
        return FAILED, f"another scheduler runs the passes of {beat.name}: forecaster schedule --status shows it"
    if beat.problem is not None:
        return FAILED, f"nothing was run: {beat.problem}"
    return 0, f"nothing is due; the next pass is at {_moment(beat.next_due)}"


def _print_status(seen: Seen, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "liveness": seen.liveness.value,
                "age_seconds": seen.age,
                "standbys": seen.standbys,
                "text": seen.text,
                "heartbeat": None if seen.heartbeat is None else seen.heartbeat.model_dump(mode="json"),
            }
        )
    else:
        click.echo(seen.where)
    if seen.liveness not in (Liveness.ALIVE, Liveness.LATE):
        sys.exit(REFUSED)


def _moment(moment: datetime | None) -> Any:
    return None if moment is None else moment.isoformat()

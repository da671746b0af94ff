"""`forecaster models weigh`, `promote` and `decisions`: what the gate says of a version, and what comes of it."""

from __future__ import annotations

import getpass
import os
import sys
from datetime import UTC, datetime
from typing import Final

import click

from forecaster.cli.console import (
    REFUSED,
    chosen,
    json_option,
    name_option,
    print_json,
    print_table,
    registry,
    reports_errors,
    settings,
)
from forecaster.promotion.decisions import Decided, Decisions, Forced, to_dict
from forecaster.promotion.errors import NotWeighed
from forecaster.promotion.itself import champion_of

# --json tells all of them.
_SHOWN_REASONS: Final = 3


@click.command(
    epilog="""\b
Examples:
  forecaster models weigh 3
  forecaster models weigh 3 --json
""",
)
@click.argument("version")
@name_option
@json_option
@reports_errors
def weigh(version: str, name: str | None, as_json: bool) -> None:
    """Compare VERSION with the champion and with yesterday's close, and keep what the gate says. Moves nothing.

    Exits with 0 where the gate lets it serve, and with 3 where it does not.
    """
    from forecaster.promotion.weighing import weigh as weighed  # it reads prices, which other commands need not

    where = settings()
    models = registry(where, name)
    found, _ = chosen(models, version)
    made = weighed(where, models, found, by="forecaster models weigh", now=datetime.now(UTC))
    if as_json:
        print_json(to_dict(made))
    else:
        show_checks(made)
    sys.exit(0 if made.decision.promote else REFUSED)


@click.command(
    epilog="""\b
Examples:
  forecaster models promote 3
  forecaster models promote 3 --force --why "version 2 was trained on wrong prices"
""",
)
@click.argument("version")
@name_option
@click.option("--force", is_flag=True, help="Let it serve whatever the gate says; who and why are kept.")
@click.option("--why", default="", metavar="TEXT", help="With --force: the reason.")
@click.option("--who", metavar="NAME", help="With --force: who wants it.  [default: the user that runs this]")
@json_option
@reports_errors
def promote(version: str, name: str | None, force: bool, why: str, who: str | None, as_json: bool) -> None:
    """Make VERSION the champion, where the gate lets it.

    It is weighed as `forecaster models weigh` does, and what was decided is kept. Exits with 3 where the gate refuses,
    and nothing is moved then.
    """
    if force and not why.strip():
        raise click.UsageError('--force: expected a reason for those who come after you: --why "…"')
    if not force and (why or who):
        raise click.UsageError("--why and --who say who forces a promotion, and why: expected --force beside them")
    where = settings()
    models = registry(where, name)
    found, _ = chosen(models, version)
    now = datetime.now(UTC)
    if force:
        from forecaster.promotion.asked import force as forced

        made = forced(where, models, found, Forced(who or user(), why.strip()), by="forecaster models promote", now=now)
    else:
        from forecaster.promotion.weighing import weigh as weighed

        made = weighed(where, models, found, by="forecaster models promote", now=now)
    allowed = force or made.decision.promote
    if allowed and champion_of(models) != made.evidence.champion:
        raise NotWeighed(found.name, version, champion_of(models))  # another one became the champion meanwhile
    if allowed:
        models.promote(found)
    if as_json:
        print_json(
            {"model": found.name, "champion": champion_of(models), "promoted": allowed, "decision": to_dict(made)}
        )
    else:
        if not force:
            show_checks(made)
        click.echo(
            f"{found.name}: the champion is version {version}"
            if allowed
            else f"{found.name}: version {version} is not promoted; what serves stays. "
            'To let it serve all the same: --force --why "…"'
        )
    sys.exit(0 if allowed else REFUSED)


@click.command(
    epilog="""\b
Examples:
  forecaster models decisions
  forecaster models decisions 3 --json
""",
)
@click.argument("version", required=False)
@name_option
@json_option
@reports_errors
def decisions(version: str | None, name: str | None, as_json: bool) -> None:
    """List what was decided about VERSION (all versions, if none), newest first; --json tells the evidence, too."""
    where = settings()
    models = registry(where, name)
    known = Decisions(where.decisions)
    found = known.all(models.name) if version is None else known.about(models.get(version))
    if as_json:
        print_json([to_dict(one) for one in reversed(found)])
        return
    print_table(
        "decisions",
        ("version", "against", "at", "asked by", "decision", "reasons"),
        [_row(one) for one in reversed(found)],
        texts=("at", "asked by", "decision", "reasons"),
    )


def show_checks(made: Decided) -> None:
    """What the gate asked of a version, and what it saw."""
    against = "with nothing that serves" if made.evidence.champion is None else f"beside {made.evidence.champion}"
    print_table(
        f"version {made.version} {against}: {'passed' if made.decision.promote else 'refused'}",
        ("check", "", "what was seen"),
        [(one.name, "ok" if one.passed else "FAILED", one.text) for one in made.decision.checks],
        texts=("", "what was seen"),
    )


def user() -> str:
    """Who runs this; a container may have no name for it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def _row(one: Decided) -> tuple[str, ...]:
    told = "promoted by force" if one.forced else "passed" if one.decision.promote else "refused"
    reasons = one.decision.reasons if not one.forced else (f"{one.forced.who}: {one.forced.why}",)
    return (
        one.version,
        one.evidence.champion or "-",
        f"{one.at:%Y-%m-%d %H:%M} UTC",
        one.by,
        told,
        "; ".join(reasons[:_SHOWN_REASONS]),
    )

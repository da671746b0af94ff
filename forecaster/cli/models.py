"""`forecaster models`: what is registered and which version serves."""

from __future__ import annotations

from typing import Any

import click

from forecaster.cli.console import (
    chosen,
    json_option,
    name_option,
    print_json,
    print_table,
    registry,
    reports_errors,
    settings,
)
from forecaster.cli.promoting import decisions, promote, weigh
from forecaster.version import Version


@click.group(
    short_help="List, weigh, promote and roll back versions.",
    epilog="""\b
Examples:
  forecaster models list
  forecaster models weigh 3                                    compare it with what serves, and change nothing
  forecaster models promote 3                                  the same, and let it serve where it is better
  forecaster models promote 3 --force --why "ours is broken"   let it serve whatever the gate says
  forecaster models decisions 3                                what was decided about it, and on what evidence
  forecaster models rollback
""",
)
def models() -> None:
    """List, show, weigh, promote and roll back model versions."""


@models.command("list")
@name_option
@json_option
@reports_errors
def list_versions(name: str | None, as_json: bool) -> None:
    """List all versions, newest first."""
    found = registry(settings(), name).versions()
    if as_json:
        print_json([_document(one) for one in found])
        return
    print_table(
        "versions",
        ("version", "alias", "registered", "trained through", "symbols", "data version", "spec"),
        [
            (
                one.version,
                ", ".join(one.aliases),
                f"{one.created:%Y-%m-%d %H:%M} UTC",
                one.tags.get("trained_through", "-"),
                one.tags.get("symbols", "-"),
                one.tags.get("data_version", "-"),
                one.tags.get("spec_hash", "-"),
            )
            for one in found
        ],
    )


@models.command()
@click.argument("version", required=False)
@name_option
@json_option
@reports_errors
def show(version: str | None, name: str | None, as_json: bool) -> None:
    """Print the manifest of VERSION (the champion, if none) as JSON, after verifying every file of its bundle."""
    found, bundle = chosen(registry(settings(), name), version)
    print_json({**_document(found), "manifest": dict(bundle.manifest)})


@models.command()
@name_option
@json_option
@reports_errors
def rollback(name: str | None, as_json: bool) -> None:
    """Make the champion before this one the champion again."""
    _say(registry(settings(), name).rollback(), as_json)


def _say(champion: Version, as_json: bool) -> None:
    if as_json:
        print_json({"model": champion.name, "champion": champion.version})
    else:
        click.echo(f"{champion.name}: the champion is version {champion.version}")


for _command in (weigh, promote, decisions):
    models.add_command(_command)


def _document(one: Version) -> dict[str, Any]:
    return {
        "model": one.name,
        "version": one.version,
        "aliases": list(one.aliases),
        "created": one.created.isoformat(),
        "tags": dict(one.tags),
        "run_id": one.run_id,
    }

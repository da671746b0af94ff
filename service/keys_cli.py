"""`forecaster keys`: make API keys, and show which are configured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from forecaster.cli.console import json_option, print_json, print_table
from service.auth import MalformedKeys, Scope, configured_keys, entry_of, new_key
from service.settings import ServiceSettings


@click.group(
    short_help="Make API keys, and show which are configured.",
    epilog="""\b
Examples:
  forecaster keys new desk
  forecaster keys new ops --scope admin
  forecaster keys check
""",
)
def keys() -> None:
    """Make keys for those who may ask the service, and show which it knows."""


@keys.command()
@click.argument("name")
@click.option(
    "--scope",
    type=click.Choice([one.value for one in Scope]),
    default=Scope.READ.value,
    show_default=True,
    help="What it may do; admin may promote and train, and read, too.",
)
@json_option
def new(name: str, scope: str, as_json: bool) -> None:
    """Make a key called NAME and print it, once, with the entry to configure. Nothing is stored."""
    key = new_key()
    try:
        entry = entry_of(name, Scope(scope), key)
    except MalformedKeys as error:
        raise click.UsageError(str(error)) from None
    if as_json:
        print_json({"name": name, "scope": scope, "key": key, "entry": entry})
        return
    click.echo(
        f"the key, for whoever asks; it is shown this once:\n  {key}\n\n"
        "the entry, for the service; add it to FORECASTER_API_KEYS, which separates entries by commas,\n"
        f"or as a line to the file that FORECASTER_API_KEYS_FILE names:\n  {entry}"
    )


@keys.command()
@click.option(
    "--file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Check this file instead of the settings.",
)
@json_option
def check(file: Path | None, as_json: bool) -> None:
    """Show names and scopes of the configured keys, and what needs none."""
    try:
        settings = ServiceSettings()
        if file is not None:
            settings = settings.model_copy(update={"api_keys": type(settings.api_keys)(""), "api_keys_file": file})
        found = configured_keys(settings).identities
    except ValidationError as error:
        # The value is not shown: it may be a key.
        first = error.errors()[0]
        raise click.UsageError(f"setting {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    except MalformedKeys as error:
        raise click.UsageError(str(error)) from None
    reading = "everyone" if settings.open_read else "keys"
    if as_json:
        document: dict[str, Any] = {"keys": [{"name": one.name, "scope": one.scope} for one in found]}
        print_json({**document, "reading": reading})
        return
    if found:
        print_table("keys", ("name", "scope"), [(one.name, one.scope) for one in found])
    else:
        click.echo("no keys are configured: forecaster keys new NAME makes one")
    click.echo(
        "reading is open to everyone (FORECASTER_OPEN_READ)"
        if settings.open_read
        else "reading needs a key, and so does everything else but probes, metrics and documentation"
    )

"""What the commands share: settings, errors to exit codes, output for people and for scripts."""

from __future__ import annotations

import functools
import json
import re
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any, Final, NoReturn, ParamSpec

import click
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from data.bars import Bars
from data.errors import DataError, MalformedSymbol, NothingChosen, UnknownExchange, UnknownUniverse
from data.store import PriceStore
from data.symbols import parse_symbol
from data.universes import universe
from forecaster.bundle import Bundle, read_bundle
from forecaster.errors import ForecasterError, SpecError
from forecaster.model import Model
from forecaster.registry import Registry
from forecaster.settings import MODEL_PATTERN, Settings
from forecaster.version import Version

FAILED: Final = 1
USAGE: Final = 2
REFUSED: Final = 3

# What is wrong with the call itself; all else failed for a reason outside of it.
_WRONG_USAGE: Final = (SpecError, MalformedSymbol, UnknownExchange, NothingChosen, UnknownUniverse)

P = ParamSpec("P")

name_option = click.option("--name", help="The model's name.  [default: FORECASTER_MODEL or next-close]")
version_option = click.option("--version", help="A version other than the champion.")
universe_option = click.option(
    "--universe",
    "universe_name",
    metavar="NAME",
    help="A file with a symbol a line, an index such as 000300.SH, a name from forecaster.toml, or all.",
)
wait_option = click.option(
    "--wait",
    type=click.FloatRange(min=0),
    default=0.0,
    metavar="SECONDS",
    help="How long to wait while another process writes.  [default: not at all]",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document, for scripts.")


def settings() -> Settings:
    """The settings of this call; a value that cannot be is a usage error."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        # What was meant to be a token is not shown, even where it cannot be one.
        got = "" if "token" in name.lower() else f", got {first['input']!r}"
        raise click.UsageError(f"setting {name}: {first['msg']}{got}") from None
    except ValueError as error:
        raise click.UsageError(f"forecaster.toml: expected TOML in UTF-8: {error}") from None


def price_store(where: Settings) -> PriceStore:
    """The store that the settings name."""
    return PriceStore(where.store_uri)


def registry(where: Settings, name: str | None = None) -> Registry:
    """The registry that the settings name, for the model `name` or the one in the settings."""
    if name is not None and not re.fullmatch(MODEL_PATTERN, name):
        raise click.UsageError(f"--name: expected a name such as {where.model}, got {name!r}")
    return Registry(where.registry_uri, where.artifacts, name or where.model)


def chosen(models: Registry, version: str | None) -> tuple[Version, Bundle]:
    """The version that was asked for, or the champion, and its verified bundle."""
    found = models.get(version) if version else models.by_alias()
    return found, read_bundle(models.bundle_path(found))


def parse_symbols(value: Sequence[str]) -> tuple[str, ...]:
    """The arguments as well-formed symbols. Raises `MalformedSymbol` for the first that is not."""
    return tuple(parse_symbol(one) for one in value)


def chosen_symbols(given: Sequence[str], name: str | None, where: Settings) -> tuple[str, ...] | None:
    """The arguments and the members of the universe called `name`; None where all that are stored are meant.

    Raises:
        MalformedSymbol, UnknownUniverse: an argument, or the name, is none.
    """
    symbols = parse_symbols(given)
    if name is None:
        return symbols or None
    members = universe(name, price_store(where).facts, named=where.universes).symbols
    return None if members is None else tuple(sorted({*symbols, *members}))


def bars_for(
    model: Model, symbols: Sequence[str] | None, store: PriceStore, as_of: date | None
) -> tuple[Bars, tuple[str, ...]]:
    """What a forecast of `symbols` (None: all that are stored) rests on, and whose forecasts they are.

    Raises:
        EmptyStore, UnknownSymbol: there are no bars, or none of one of the symbols.
    """
    stored = set(store.newest()["symbol"])
    asked = tuple(sorted(stored)) if symbols is None else tuple(symbols)
    # A symbol of the universe may have left the store since; one that was asked for must be there.
    read = {*asked, *(one for one in model.reads(asked) if one in stored)}
    return store.read(sorted(read), end=as_of), asked


def reports_errors(command: Callable[P, None]) -> Callable[P, None]:
    """Turn errors of ours into one line on stderr, or a JSON document with --json, and the documented exit code."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except (DataError, ForecasterError, OSError) as error:
            _fail(error, as_json=bool(kwargs.get("as_json")))

    return run


def print_json(document: Any) -> None:
    """One document on stdout, numbers in full."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False))


def print_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], *, texts: Collection[str] = ()
) -> None:
    """A table on stdout, as wide as it needs to be where stdout is not a terminal.

    Args:
        title: above it.
        columns, rows: what it holds, figures but for the first column.
        texts: the columns beside the first that hold words.
    """
    table = Table(title=title, title_justify="left", header_style="bold")
    for position, name in enumerate(columns):
        left = position == 0 or name in texts
        table.add_column(name, justify="left" if left else "right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else 140).print(table)


@contextmanager
def progress_bar(*, hidden: bool) -> Iterator[Progress]:
    """A progress display on stderr; where stderr is not a terminal callers print lines instead."""
    with Progress(
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
        console=Console(file=sys.stderr),
        disable=hidden or not sys.stderr.isatty(),
    ) as shown:
        yield shown


def _fail(error: DataError | ForecasterError | OSError, *, as_json: bool) -> NoReturn:
    exit_code = USAGE if isinstance(error, _WRONG_USAGE) else FAILED
    if as_json:
        print_json({"error": {"type": type(error).__name__, "message": str(error)}})
    else:
        click.echo(f"error: {error}", err=True)
    sys.exit(exit_code)

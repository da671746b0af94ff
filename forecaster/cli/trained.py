"""What `forecaster train` says when it is done."""

from __future__ import annotations

from collections.abc import Mapping

import click

from data.errors import first_of
from forecaster.cli.console import print_json, print_table
from forecaster.cli.figures import COLUMNS, row
from forecaster.diagnostics.diagnostics import to_dict
from forecaster.errors import NoModel
from forecaster.experiment import Experiment
from forecaster.per_symbol import Each
from forecaster.registry import Registry
from forecaster.version import CHALLENGER, CHAMPION


def give_alias(models: Registry, made: Experiment, *, promote: bool) -> str:
    """Make a version the champion, where there is none or it is wanted, or else the challenger; returns which."""
    try:
        models.by_alias(CHAMPION)
    except NoModel:
        promote = True
    if promote:
        models.promote(made.version)
        return CHAMPION
    models.set_alias(CHALLENGER, made.version)
    return CHALLENGER


def document(made: Experiment, alias: str) -> dict[str, object]:
    """A run for scripts."""
    return {
        "model": made.version.name,
        "version": made.version.version,
        "alias": alias,
        "unjudged": list(made.unjudged),
        "windows": dict(made.windows),
        "epochs": made.epochs,
        "best_epoch": made.best_epoch,
        "training_seconds": made.training_seconds,
        "parity": made.parity,
        "diagnostics": {symbol: to_dict(one) for symbol, one in made.diagnostics.items()},
    }


def show(made: Experiment, alias: str) -> None:
    """A run for people."""
    windows = made.windows
    click.echo(
        f"trained on {windows['train']:,} windows in {made.training_seconds:.0f} s, the best of {made.epochs} epochs "
        f"being number {made.best_epoch}; ONNX and Keras differ by at most {made.parity:.0e}"
    )
    print_table(
        f"held-out span, {windows['test']:,} forecasts",
        COLUMNS,
        [row(symbol, one) for symbol, one in made.diagnostics.items()],
    )
    if made.unjudged:
        few = first_of(made.unjudged)
        click.echo(f"not judged, for too short a history or one that began too late: {few}")
    click.echo(f"{made.version.name} version {made.version.version} is now the {alias}")
    if alias == CHALLENGER:
        click.echo(f"to let it serve: forecaster models promote {made.version.version}")


def show_each(each: Each, aliases: Mapping[str, str], *, as_json: bool) -> None:
    """A run over symbols.

    Args:
        each: what it came to.
        aliases: by a model's name, which its new version was given; others were trained and given theirs before.
        as_json: for scripts.
    """
    given = {
        symbol: aliases.get(made.version.name) or next(iter(made.version.aliases), "")
        for symbol, made in each.made.items()
    }
    if as_json:
        failed = {symbol: {"type": type(one).__name__, "message": str(one)} for symbol, one in each.failed.items()}
        models = {symbol: document(made, given[symbol]) for symbol, made in each.made.items()}
        print_json({"models": models, "failed": failed})
        return
    rows = [row(symbol, one) for made in each.made.values() for symbol, one in made.diagnostics.items()]
    print_table(f"held-out spans of {len(each.made)} models", COLUMNS, rows)
    for symbol, made in each.made.items():
        click.echo(f"{made.version.name} version {made.version.version} is now the {given[symbol]}")
    for symbol, error in each.failed.items():
        click.echo(f"{symbol} failed: {error}", err=True)

"""`forecaster train`: a model from the stored prices."""

from __future__ import annotations

from pathlib import Path

import click

from data.errors import DataError
from forecaster.cli.console import (
    chosen_symbols,
    json_option,
    name_option,
    price_store,
    print_json,
    print_table,
    progress_bar,
    registry,
    reports_errors,
    settings,
    universe_option,
)
from forecaster.cli.figures import COLUMNS, row
from forecaster.cli.quiet import native_stderr_withheld
from forecaster.diagnostics.diagnostics import to_dict
from forecaster.errors import ForecasterError, NoModel
from forecaster.experiment import Experiment, Step, run_experiment
from forecaster.registry import CHALLENGER, CHAMPION, Registry
from forecaster.spec import load_specs


@click.command(
    short_help="Train a model and judge it on held-out sessions.",
    epilog="""\b
Examples:
  forecaster train
  forecaster train AAPL MSFT --set units=[64,64] --set lookback=60 --epochs 10
  forecaster train --set target=level --set scaling=series     the classic form, to see its lag
  forecaster train --spec spec.toml --promote

A spec file holds the tables [model] and [train], with the keys that --set takes.
""",
)
@click.argument("symbols", nargs=-1)
@universe_option
@name_option
@click.option("--spec", "spec_file", type=click.Path(path_type=Path), help="A TOML file.")
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change one value of the spec.")
@click.option("--epochs", type=int, help="Short for --set epochs=N.")
@click.option("--seed", type=int, help="Short for --set seed=N; the same seed gives the same weights.")
@click.option("--promote", is_flag=True, help="Make the new version the champion even where there is one.")
@json_option
@reports_errors
def train(
    symbols: tuple[str, ...],
    universe_name: str | None,
    name: str | None,
    spec_file: Path | None,
    changes: tuple[str, ...],
    epochs: int | None,
    seed: int | None,
    promote: bool,
    as_json: bool,
) -> None:
    """Train one network on SYMBOLS (all in the store, if none), judge it on held-out sessions, and register it.

    The first version becomes the champion, which serves; later ones become the challenger until they are promoted.
    """
    shortcuts = {"epochs": epochs, "seed": seed}
    given = [f"{key}={value}" for key, value in shortcuts.items() if value is not None]
    spec, training = load_specs(spec_file, [*changes, *given])
    where = settings()
    models = registry(where, name)
    with native_stderr_withheld(DataError, ForecasterError), progress_bar(hidden=as_json) as shown:
        task = shown.add_task("starting", total=1.0)

        def advance(step: Step) -> None:
            shown.update(task, description=step.text, completed=step.done)
            if shown.disable and not as_json:
                click.echo(step.text, err=True)

        made = run_experiment(
            price_store(where),
            models,
            spec,
            training,
            symbols=chosen_symbols(symbols, universe_name, where),
            progress=advance,
        )
    alias = _give_alias(models, made, promote=promote)
    if as_json:
        print_json(_document(made, alias))
    else:
        _print(made, alias)


def _give_alias(models: Registry, made: Experiment, *, promote: bool) -> str:
    try:
        models.by_alias(CHAMPION)
    except NoModel:
        promote = True
    if promote:
        models.promote(made.version)
        return CHAMPION
    models.set_alias(CHALLENGER, made.version)
    return CHALLENGER


def _document(made: Experiment, alias: str) -> dict[str, object]:
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


def _print(made: Experiment, alias: str) -> None:
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
        few = ", ".join(made.unjudged[:8]) + (", …" if len(made.unjudged) > 8 else "")
        click.echo(f"not judged, for too short a history or one that began too late: {few}")
    click.echo(f"{made.version.name} version {made.version.version} is now the {alias}")
    if alias == CHALLENGER:
        click.echo(f"to let it serve: forecaster models promote {made.version.version}")

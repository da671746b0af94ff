"""`forecaster train`: a model from the stored prices, or one for each symbol."""

from __future__ import annotations

import signal
import sys
from functools import partial
from pathlib import Path

import click
from rich.progress import Progress, TaskID

from data.errors import DataError
from forecaster.backtest.engine import Engine
from forecaster.cli.console import (
    FAILED,
    REFUSED,
    chosen_symbols,
    json_option,
    name_option,
    price_store,
    print_json,
    progress_bar,
    registry,
    reports_errors,
    settings,
    universe_option,
)
from forecaster.cli.trained import Given, document, give_alias, show, show_each
from forecaster.errors import ForecasterError, SpecError
from forecaster.experiment import run_experiment
from forecaster.per_symbol import train_each
from forecaster.quiet import native_stderr_withheld
from forecaster.spec import load_specs
from forecaster.start import read_start
from forecaster.step import Step


@click.command(
    short_help="Train a model and judge it on held-out sessions.",
    epilog="""\b
Examples:
  forecaster train
  forecaster train AAPL MSFT --set units=[64,64] --set lookback=60 --epochs 10
  forecaster train --spec docs/classic.toml                    the tutorials' form, to see its lag
  forecaster train --from champion --epochs 5                  go on from its weights
  forecaster train --per-symbol AAPL MSFT                      a model each: next-close.AAPL, next-close.MSFT
  forecaster train --per-symbol --engine local --jobs 4        four at a time, each on one core
  forecaster train --spec spec.toml --promote

A spec file holds the tables [model] and [train], with the keys that --set takes. Training that was stopped or killed
goes on when the same command is given again.
""",
)
@click.argument("symbols", nargs=-1)
@universe_option
@name_option
@click.option("--spec", "spec_file", type=click.Path(path_type=Path), help="A TOML file.")
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change one value of the spec.")
@click.option("--epochs", type=int, help="Short for --set epochs=N.")
@click.option("--seed", type=int, help="Short for --set seed=N; the same seed gives the same weights.")
@click.option(
    "--from",
    "start_from",
    metavar="champion|challenger|VERSION",
    help="Go on from the weights of a version, by its spec and at a tenth of its learning rate.",
)
@click.option("--per-symbol", is_flag=True, help="Train a network for each symbol, as the model NAME.SYMBOL.")
@click.option(
    "--engine",
    type=click.Choice(["local", "dask", "ray"]),
    help="With --per-symbol: who trains several at a time, each on one core.  [default: one after the other]",
)
@click.option("--address", help="Of a Dask or Ray cluster; without one, a cluster is started on this machine.")
@click.option("--jobs", type=click.IntRange(min=1), help="With --engine: how many at a time.  [default: one a core]")
@click.option("--fresh", is_flag=True, help="Start anew, even where the same training was stopped before.")
@click.option("--weigh", is_flag=True, help="Afterwards compare the new version with the champion, as the gate does.")
@click.option("--promote", is_flag=True, help="The same, and make it the champion where the gate lets it.")
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
    start_from: str | None,
    per_symbol: bool,
    engine: Engine | None,
    address: str | None,
    jobs: int | None,
    fresh: bool,
    weigh: bool,
    promote: bool,
    as_json: bool,
) -> None:
    """Train one network on SYMBOLS (all in the store, if none), judge it on held-out sessions, and register it.

    The first version becomes the champion, which serves; later ones become the challenger until they are promoted.
    Exits with 3 where --promote was given and the gate refuses.
    """
    # Ends a run as Ctrl-C does, so that the registry knows.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if engine is not None and not per_symbol:
        raise SpecError("--engine", "--per-symbol with it", engine)
    if address is not None and engine not in ("dask", "ray"):
        raise SpecError("--address", "--engine dask or --engine ray with it", engine or "no --engine")
    if jobs is not None and engine is None:
        raise SpecError("--jobs", "--engine with it", "no --engine")
    shortcuts = {"epochs": epochs, "seed": seed}
    given = [*changes, *(f"{key}={value}" for key, value in shortcuts.items() if value is not None)]
    where = settings()
    models = registry(where, name)
    with native_stderr_withheld(DataError, ForecasterError), progress_bar(hidden=as_json) as shown:
        advance = partial(_advance, shown, shown.add_task("starting", total=1.0), lines=not as_json)
        start = read_start(models, start_from) if start_from else None
        spec, training = start.specs(spec_file, given) if start else load_specs(spec_file, given)
        chosen = chosen_symbols(symbols, universe_name, where)
        given_alias: dict[str, Given] = {}
        say = partial(click.echo, err=True) if not as_json else _nothing
        alias_of = partial(give_alias, where, weigh=weigh, promote=promote, say=say)
        if per_symbol:
            each = train_each(
                price_store(where),
                partial(registry, where),
                models.name,
                spec,
                training,
                symbols=chosen,
                progress=advance,
                trained=lambda own, made: given_alias.update({own.name: alias_of(own, made)}),
                start=start,
                checkpoints=where.home / "training",
                fresh=fresh,
                engine=engine,
                jobs=jobs,
                address=address,
            )
        else:
            made = run_experiment(
                price_store(where),
                models,
                spec,
                training,
                symbols=chosen,
                progress=advance,
                start=start,
                checkpoints=where.home / "training",
                fresh=fresh,
            )
    if per_symbol:
        show_each(each, given_alias, as_json=as_json)
        refused = any(one.refused for one in given_alias.values())
        sys.exit(FAILED if each.failed else REFUSED if promote and refused else 0)
    alias = alias_of(models, made)
    if as_json:
        print_json(document(made, alias))
    else:
        show(made, alias)
    sys.exit(REFUSED if promote and alias.refused else 0)


def _nothing(line: str) -> None:
    """Scripts are told the outcome only."""


def _advance(shown: Progress, task: TaskID, step: Step, *, lines: bool) -> None:
    """Draw a step, or print it where nothing can be drawn over."""
    shown.update(task, description=step.text, completed=step.done)
    if shown.disable and lines and not step.passing:
        click.echo(step.text, err=True)

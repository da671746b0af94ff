"""What `forecaster train` says when it is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import click

from data.errors import first_of
from forecaster.cli.console import print_json, print_table
from forecaster.cli.figures import COLUMNS, row
from forecaster.cli.promoting import show_checks
from forecaster.diagnostics.diagnostics import to_dict
from forecaster.experiment import Experiment
from forecaster.per_symbol import Each
from forecaster.promotion.asked import force
from forecaster.promotion.decisions import Decided, Forced
from forecaster.promotion.decisions import to_dict as decided_to_dict
from forecaster.promotion.itself import champion_of
from forecaster.promotion.weighing import weigh as weighed
from forecaster.registry import Registry
from forecaster.settings import Settings
from forecaster.version import CHALLENGER, CHAMPION


@dataclass(frozen=True, slots=True)
class Given:
    """Which alias a new version was given, and what the gate said of it; None where it was not asked."""

    alias: str
    decided: Decided | None = None

    @property
    def refused(self) -> bool:
        """Whether the gate was asked, and refused."""
        return self.decided is not None and self.decided.forced is None and not self.decided.decision.promote


def give_alias(
    where: Settings,
    models: Registry,
    made: Experiment,
    *,
    weigh: bool,
    promote: bool,
    say: Callable[[str], None],
) -> Given:
    """Make a version the champion where there is none, or where that is wanted and the gate lets it; else challenger.

    Args:
        where: the prices, the thresholds, and where decisions are kept.
        models: the registry.
        made: the training.
        weigh: whether the gate is asked.
        promote: whether a version that the gate lets serve is to serve; asks it, too.
        say: told what goes on.
    """
    now = datetime.now(UTC)
    if champion_of(models) is None:
        first = Forced("forecaster train", "the first version of a model serves, since nothing else does")
        forced = force(where, models, made.version, first, by="forecaster train", now=now)
        models.promote(made.version)
        return Given(CHAMPION, forced)
    decided = None
    if weigh or promote:
        say(f"weighing version {made.version.version} beside the champion")
        decided = weighed(where, models, made.version, by="forecaster train", now=now)
    if promote and decided is not None and decided.decision.promote:
        models.promote(made.version)
        return Given(CHAMPION, decided)
    models.set_alias(CHALLENGER, made.version)
    return Given(CHALLENGER, decided)


def document(made: Experiment, given: Given) -> dict[str, object]:
    """A run for scripts."""
    return {
        "model": made.version.name,
        "version": made.version.version,
        "alias": given.alias,
        "decision": None if given.decided is None else decided_to_dict(given.decided),
        "unjudged": list(made.unjudged),
        "windows": dict(made.windows),
        "epochs": made.epochs,
        "best_epoch": made.best_epoch,
        "training_seconds": made.training_seconds,
        "parity": made.parity,
        "diagnostics": {symbol: to_dict(one) for symbol, one in made.diagnostics.items()},
    }


def show(made: Experiment, given: Given) -> None:
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
    if given.decided is not None and given.decided.forced is None:
        show_checks(given.decided)
    click.echo(f"{made.version.name} version {made.version.version} is now the {given.alias}")
    if given.alias == CHALLENGER and not given.refused:
        click.echo(f"to let it serve: forecaster models promote {made.version.version}")


def show_each(each: Each, given: Mapping[str, Given], *, as_json: bool) -> None:
    """A run over symbols.

    Args:
        each: what it came to.
        given: by a model's name, what its new version was given; others were trained and given theirs before.
        as_json: for scripts.
    """
    known = {
        symbol: given.get(made.version.name) or Given(next(iter(made.version.aliases), ""))
        for symbol, made in each.made.items()
    }
    if as_json:
        failed = {symbol: {"type": type(one).__name__, "message": str(one)} for symbol, one in each.failed.items()}
        models = {symbol: document(made, known[symbol]) for symbol, made in each.made.items()}
        print_json({"models": models, "failed": failed})
        return
    rows = [row(symbol, one) for made in each.made.values() for symbol, one in made.diagnostics.items()]
    print_table(f"held-out spans of {len(each.made)} models", COLUMNS, rows)
    for symbol, made in each.made.items():
        text = f"{made.version.name} version {made.version.version} is now the {known[symbol].alias}"
        click.echo(f"{text}: the gate refused it" if known[symbol].refused else text)
    for symbol, error in each.failed.items():
        click.echo(f"{symbol} failed: {error}", err=True)

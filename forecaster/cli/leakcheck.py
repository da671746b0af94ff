"""`forecaster leakcheck`: whether anything that a model rests on looks ahead."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from rich.progress import Progress

from forecaster.cli.console import (
    REFUSED,
    chosen,
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
from forecaster.leakcheck import Leak, Report
from forecaster.leakcheck import leakcheck as check
from forecaster.leakcheck.check import CUTS, SEED
from forecaster.settings import Settings
from forecaster.spec import ModelSpec, TrainSpec, load_specs
from forecaster.step import Step


@click.command(
    short_help="Check that nothing a model rests on looks ahead.",
    epilog="""\b
Examples:
  forecaster leakcheck
  forecaster leakcheck AAPL MSFT --spec spec.toml --cuts 5
  forecaster leakcheck --version 3

The bars after a few cut sessions are removed, multiplied, reversed, split, suspended, and joined by new shares; all
that was known at the cut must come out the same, to the last bit. Exit code 3: it did not. Some dozens of symbols are
enough.
""",
)
@click.argument("symbols", nargs=-1)
@universe_option
@name_option
@click.option("--version", help="Check the spec of a registered version.")
@click.option("--spec", "spec_file", type=click.Path(path_type=Path), help="A TOML file.")
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change one value of the spec.")
@click.option("--cuts", type=click.IntRange(min=1), default=CUTS, show_default=True, help="At how many sessions.")
@click.option("--seed", type=click.IntRange(min=0), default=SEED, show_default=True, help="Of cuts and futures.")
@json_option
@reports_errors
def leakcheck(
    symbols: tuple[str, ...],
    universe_name: str | None,
    name: str | None,
    version: str | None,
    spec_file: Path | None,
    changes: tuple[str, ...],
    cuts: int,
    seed: int,
    as_json: bool,
) -> None:
    """Check the pipeline of a spec on the bars of SYMBOLS (all in the store, if none). No network is trained."""
    where = settings()
    spec, training = _specs(where, name, version, spec_file, changes)
    store = price_store(where)
    bars = store.read(chosen_symbols(symbols, universe_name, where))
    with progress_bar(hidden=as_json) as shown:
        report = check(
            bars,
            spec,
            training,
            cuts=cuts,
            seed=seed,
            calendars=store.calendars(),
            progress=_advance(shown, lines=not as_json),
        )
    if as_json:
        print_json(_document(report))
    else:
        _print(report)
    if not report.clean:
        raise SystemExit(REFUSED)


def _specs(
    where: Settings, name: str | None, version: str | None, spec_file: Path | None, changes: tuple[str, ...]
) -> tuple[ModelSpec, TrainSpec]:
    if version is None:
        return load_specs(spec_file, changes)
    _, bundle = chosen(registry(where, name), version)
    return load_specs(spec_file, changes, base=(bundle.spec, bundle.train_spec))


def _advance(shown: Progress, *, lines: bool) -> Callable[[Step], None]:
    """Draws a step, or prints it where nothing can be drawn over."""
    task = shown.add_task("starting", total=1.0)

    def advance(step: Step) -> None:
        shown.update(task, description=step.text, completed=step.done)
        if shown.disable and lines:
            click.echo(step.text, err=True)

    return advance


def _document(report: Report) -> dict[str, Any]:
    return {
        "clean": report.clean,
        "symbols": report.symbols,
        "bars": report.bars,
        "cuts": [f"{cut}" for cut in report.cuts],
        "futures": list(report.futures),
        "checked": [
            {"stage": str(one.stage), "values": one.values, "comparisons": one.comparisons} for one in report.checked
        ],
        "leaks": [_leak(one) for one in report.leaks],
    }


def _leak(one: Leak) -> dict[str, Any]:
    return {
        "stage": str(one.stage),
        "name": one.name,
        "symbol": one.symbol,
        "session": one.session,
        "cut": f"{one.cut}" if one.cut else None,
        "before": one.before,
        "after": one.after,
        "text": one.text,
        "hint": one.hint,
        "futures": list(one.futures),
        "cuts": one.cuts,
    }


def _print(report: Report) -> None:
    leaking = {stage: sum(one.stage == stage for one in report.leaks) for stage in {one.stage for one in report.leaks}}
    print_table(
        f"{report.bars:,} bars of {report.symbols:,} symbols",
        ("stage", "values compared", "cuts x futures", "leaks"),
        [
            (
                str(one.stage),
                f"{one.values:,}" if one.values else "-",  # windows that are scaled by their own range
                f"{one.comparisons:,}",
                f"{leaking.get(one.stage, 0):,}",
            )
            for one in report.checked
        ],
    )
    click.echo(f"cut on {', '.join(map(str, report.cuts))}; after each: {', '.join(report.futures)}")
    if report.clean:
        click.echo("nothing looks ahead")
        return
    for number, one in enumerate(report.leaks):
        click.echo(f"{'leak' if number == 0 else 'and '}  {one.stage}: {one.text}")
        notes = [one.hint] if one.hint else []
        if one.futures:
            notes.append(f"shown by {', '.join(one.futures)}, in {one.cuts} of {len(report.cuts)} cuts")
        click.echo(f"      {'; '.join(notes)}")
    click.echo("what rests on the first may leak because of it: mend that one, and check again")

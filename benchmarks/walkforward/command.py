"""The command line of the benchmark."""

from __future__ import annotations

import argparse
import json
import sys
import time
import traceback
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Final

from data.errors import DataError
from forecaster.backtest.kept import Kept
from forecaster.baselines.protocol import LEVELS, Forecaster, Unavailable
from forecaster.errors import SpecError
from forecaster.spec import load_specs

from .printed import printed
from .registered import NAMES, Choice, forecasters
from .report import as_json, make_report
from .running import Progress, Run, walk, walked
from .trial import Trial, make_trial, read_bars, some_symbols

SESSIONS: Final = 500
REFIT: Final = 125
SEEDS: Final = 3
QUICK: Final = {"symbols": 12, "sessions": 60, "refit": 30, "seeds": 1}
"""What --quick walks through at most."""


def main(description: str | None, arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the exit status: 0 done, 1 a forecaster failed, 2 wrong usage."""
    options = _options(description, arguments)
    began = time.perf_counter()

    def progress(text: str) -> None:
        print(f"{time.perf_counter() - began:7.0f} s  {text}", file=sys.stderr, flush=True)

    try:
        spec, training = load_specs(options.spec, options.set)
        trial = _trial(options, progress)
    except (DataError, SpecError) as error:
        print(error, file=sys.stderr)
        return 2
    choice = Choice(spec, training, options.field_python, options.quick)
    runs: dict[tuple[str, int | None], Run] = {}
    absent: dict[str, str] = {}
    failed = False
    for forecaster in forecasters(NAMES, choice):
        wanted = options.only is None or forecaster.name in options.only
        for seed in range(_at_most(options, "seeds") if forecaster.seeded else 1):
            try:
                run = _run(forecaster, trial, seed, options, wanted, progress)
            except Unavailable as error:
                absent[forecaster.name] = str(error)
                progress(f"left out: {error}")
                break
            except Exception as error:
                # The others' hours of work shall not go with it.
                traceback.print_exc()
                absent[forecaster.name] = f"it failed: {type(error).__name__}: {error}"
                failed = True
                break
            if run is None:
                if not seed:
                    absent[forecaster.name] = "not asked for, and not kept from before on the same inputs"
                break
            runs[forecaster.name, seed if forecaster.seeded else None] = run
    if not runs:
        print("nothing to compare: " + "; ".join(f"{name}: {why}" for name, why in absent.items()), file=sys.stderr)
        return 1
    report = make_report(options.data.name, trial, runs, LEVELS, absent)
    print(json.dumps(as_json(report), indent=2) if options.json else printed(report))
    return 1 if failed else 0


def _run(
    forecaster: Forecaster, trial: Trial, seed: int, options: argparse.Namespace, wanted: bool, progress: Progress
) -> Run | None:
    """The forecasts of one forecaster and seed: made now, or kept from before; None where neither is to be had."""
    folder = None if options.out is None else Kept(options.out)
    if wanted:
        return walk(forecaster, trial, LEVELS, seed, progress, folder, reuse=options.reuse)
    before = None if folder is None else walked(forecaster, trial, LEVELS, seed, folder)
    if before is not None:
        progress(f"{forecaster.name}: kept from before, {len(before.table):,} forecasts")
    return before


def _trial(options: argparse.Namespace, progress: Progress) -> Trial:
    bars, aside = read_bars(options.data)
    if options.quick:
        bars = some_symbols(bars, QUICK["symbols"])
    if options.sessions is None and (options.first is None or options.quick):
        options.sessions = SESSIONS
    trial = make_trial(
        bars,
        refit=_at_most(options, "refit"),
        sessions=None if options.sessions is None else _at_most(options, "sessions"),
        first=options.first,
        last=options.last,
    )
    progress(
        f"{options.data.name}: {len(bars):,} bars of {len(bars.symbols)} symbols, {aside:,} rows set aside; "
        f"{len(trial.outcomes):,} origins in {trial.sessions} sessions, {len(trial.folds)} refits"
    )
    return trial


def _at_most(options: argparse.Namespace, name: str) -> int:
    value = int(getattr(options, name))
    return min(value, QUICK[name]) if options.quick else value


def _options(description: str | None, arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="a file or folder as the files provider reads it")
    parser.add_argument("--sessions", type=_count, help=f"newest sessions that are origins ({SESSIONS})")
    parser.add_argument(
        "--from", dest="first", type=date.fromisoformat, help="first session of origins, instead of so many newest ones"
    )
    parser.add_argument("--to", dest="last", type=date.fromisoformat, help="last session of origins")
    parser.add_argument("--refit", type=_count, default=REFIT, help="sessions between two refits")
    parser.add_argument("--seeds", type=_count, default=SEEDS, help="how often what depends on a seed is trained")
    parser.add_argument("--only", type=_names, help=f"make only these anew, of {','.join(NAMES)}; the rest from --out")
    parser.add_argument("--out", type=Path, help="keep forecasts here as Parquet, and take those that need no new run")
    parser.add_argument("--reuse", action="store_true", help="make nothing anew that --out holds on the same inputs")
    parser.add_argument("--field-python", type=Path, help="an interpreter with statsforecast and neuralforecast")
    parser.add_argument("--spec", type=Path, help="a TOML file with the spec of ours, instead of the default")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a value of that spec")
    parser.add_argument("--quick", action="store_true", help="few symbols, sessions and steps: does all of it run?")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(arguments)


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a count of at least 1, got {text}")
    return value


def _names(text: str) -> list[str]:
    names = [name for name in text.split(",") if name]
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        raise argparse.ArgumentTypeError(f"expected names of {', '.join(NAMES)}, got {', '.join(unknown)}")
    return names

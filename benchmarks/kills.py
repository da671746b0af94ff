"""SIGKILL, again and again: what was acknowledged is there once, the champion is whole, unfinished work goes on.

The program runs as it is: as processes, with a vendor behind a socket, in one home. Each command is killed, with all
that it has started, at random moments and at those at which something is half done, some times in a row; then it is
given again and let be. What has to hold is looked at after each kill and each end, by other means than the product's.

    python benchmarks/kills.py [--kills 200] [--seed N] [--only fetch,train,register,promote,publish] [--json]

Exit code 1: something did not hold, and is named.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.killing.ending import given_up, uncleaned, unlisted
from benchmarks.killing.known import Known
from benchmarks.killing.nursery import Nursery
from benchmarks.killing.place import Place
from benchmarks.killing.promises import broken
from benchmarks.killing.trials import KINDS, SHARES, Tally, Trials
from forecaster.cli.console import print_table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=sum(SHARES.values()), help="in all  [default: %(default)s]")
    parser.add_argument("--seed", type=int, help="of the prices and of all that is drawn; else another each time")
    parser.add_argument("--only", default=",".join(KINDS), help="what to kill, separated by commas")
    parser.add_argument("--keep", type=Path, help="a folder that does not exist: the home stays there")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    kinds = given.only.split(",")
    if unknown := set(kinds) - set(KINDS):
        parser.error(f"expected {', '.join(KINDS)}, got {', '.join(sorted(unknown))}")
    if given.kills < len(kinds):
        parser.error(f"expected at least a kill of each kind, {len(kinds)}, got {given.kills}")
    seed = random.SystemRandom().randrange(1 << 16) if given.seed is None else given.seed
    if given.keep is not None:
        given.keep.mkdir(parents=True)
        document = tried(given.keep, seed, shares(given.kills, kinds))
    else:
        with tempfile.TemporaryDirectory(prefix="kills-") as folder:
            document = tried(Path(folder), seed, shares(given.kills, kinds))
    if given.json:
        print(json.dumps(document, indent=1))
    else:
        show(document)
    sys.exit(int(bool(document["violations"])))


def shares(kills: int, kinds: list[str]) -> dict[str, int]:
    """How many kills of each kind, at least one; the first has what is left over."""
    whole = sum(SHARES[kind] for kind in kinds)
    found = {kind: max(1, kills * SHARES[kind] // whole) for kind in kinds}
    found[kinds[0]] += kills - sum(found.values())
    return found


def tried(folder: Path, seed: int, wanted: Mapping[str, int]) -> dict[str, Any]:
    """All kills, and what came of them, JSON-ready."""
    began = time.monotonic()
    place, known = Place.made(folder, seed), Known()
    with place.server, _bar() as shown, ExitStack() as stack:
        task = shown.add_task("prices and a champion", total=sum(wanted.values()))

        def advance(text: str) -> None:
            shown.update(task, advance=1, description=text)
            if shown.disable:
                done = sum(one.kills for one in trials.tallies.values())
                print(f"{done} of {sum(wanted.values())}: {text}", file=sys.stderr, flush=True)

        stack.callback((nursery := Nursery(place.environment(), place.home)).close)
        trials = Trials(place, known, nursery, random.Random(seed), advance)
        trials.begin()
        with suppress(KeyboardInterrupt):  # what there was until then is told
            trials.go(wanted)
        shown.update(task, description="what is left")
        given_up(trials)
        found = [*broken(place, known, settled=False), *unlisted(place)]
        left, unclean = uncleaned(trials)
    for one in found + unclean:
        trials.violations.setdefault(one, "the end")
    return {
        "seed": seed,
        "kills": sum(one.kills for one in trials.tallies.values()),
        "minutes": (time.monotonic() - began) / 60,
        "checks": known.checks,
        "kinds": {kind: _told(one) for kind, one in trials.tallies.items()},
        "spots": dict(sum((one.spots for one in trials.tallies.values()), Counter()).most_common()),
        "reached": dict(sum((one.reached for one in trials.tallies.values()), Counter()).most_common()),
        "versions": len(known.versions),
        "forecasts": len(known.said),
        "left": left,
        "violations": [{"what": what, "at": at} for what, at in trials.violations.items()],
    }


def show(document: Mapping[str, Any]) -> None:
    """For people."""
    print_table(
        f"{document['kills']} kills in {document['minutes']:.0f} minutes, seed {document['seed']}",
        ("what", "kills", "works", "done before", "nothing left to do", "killed after [s]", "let be [s]"),
        [
            (
                kind,
                f"{one['kills']}",
                f"{one['works']}",
                f"{one['spared']}",
                f"{one['over']}",
                f"{one['killed_after']:.1f}",
                f"{one['let_be']:.1f}",
            )
            for kind, one in document["kinds"].items()
        ],
    )
    print_table("where", ("spot", "kills"), [(spot, f"{count}") for spot, count in document["spots"].items()])
    print(f"killed: {', '.join(f'{who} {count}' for who, count in document['reached'].items())}")
    print(
        f"acknowledged: {document['versions']} versions, {document['forecasts']:,} forecasts; the promises were looked "
        f"at {document['checks']} times"
    )
    print(f"left by the kills and cleaned away: {document['left']} files and folders")
    for one in document["violations"]:
        print(f"VIOLATED {one['what']}\n  first seen at: {one['at']}")
    print(f"{len(document['violations'])} promises were broken" if document["violations"] else "all promises held")


def _told(tally: Tally) -> dict[str, Any]:
    killed, let_be = (statistics.median(some) if some else float("nan") for some in tally.seconds)
    counts = {"kills": tally.kills, "works": tally.works, "spared": tally.spared, "over": tally.over}
    return {**counts, "killed_after": round(killed, 2), "let_be": round(let_be, 2)}


def _bar() -> Progress:
    columns = (BarColumn(bar_width=24), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("left"))
    told = (TimeRemainingColumn(), TextColumn("{task.description}"))
    return Progress(*columns, *told, console=Console(file=sys.stderr), disable=not sys.stderr.isatty())


if __name__ == "__main__":
    main()

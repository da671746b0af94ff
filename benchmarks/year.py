"""A year without people: the scheduler, its passes and a vendor through 250 sessions, with faults and without.

Two years run beside each other on the same made-up prices, each by a clock of its own. In one of them the vendor is
out, restates factors and lies, a challenger is made bad, passes are killed in every step, schedulers compete and die,
and the clock is set wrong; in both the market's moves become three times as large. What has to hold is judged from the
disk, with pandas, MLflow's client and exchange_calendars. Exit code 1: something does not hold, and is named.

    python benchmarks/year.py [--sessions 250] [--symbols 8] [--seed 7] [--keep FOLDER] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.unattended import disk, notes
from benchmarks.unattended.plan import planned
from benchmarks.unattended.promises import Judged, judged
from benchmarks.unattended.running import AFTER, Order
from benchmarks.unattended.shown import Shown
from benchmarks.unattended.twins import compared
from forecaster.cli.console import progress_bar

_ROOT: Final = Path(__file__).parents[1]
_LOOK_SECONDS: Final = 0.5
_NAMED: Final = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=250)
    parser.add_argument("--symbols", type=int, default=8)
    parser.add_argument("--seed", type=int, default=7, help="of the prices, and of what befalls whom")
    parser.add_argument("--keep", type=Path, help="a folder that is not there yet, for both homes")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if given.sessions < 8 or given.symbols < 2:
        parser.error("expected 8 sessions and 2 symbols at least")
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=given.keep is None)
        orders = [
            Order((folder / name).absolute(), given.sessions, given.symbols, given.seed, faulty=name == "faulty")
            for name in ("faulty", "faultless")
        ]
        began = time.monotonic()
        _run(orders, hidden=given.json)
        shown = judgement(*orders)
        if given.json:
            print(json.dumps(_document(shown, time.monotonic() - began), indent=1))
        else:
            _print(shown, orders[0], time.monotonic() - began)
    sys.exit(int(not all(one.held for part in shown.values() for one in part)))


def judgement(faulty: Order, faultless: Order) -> dict[str, list[Shown]]:
    """What both years have shown, each by itself and beside the other."""
    own, other = (_to_judge(one) for one in (faulty, faultless))
    for one in (own, other):  # which stays; what is taken back is not there in the end
        one.market.restate_factor(one.market.symbols[0], 2.0)
    return {
        "with faults": list(judged(own)),
        "without": list(judged(other)),
        "the one beside the other": list(compared(own, other)),
    }


def _to_judge(order: Order) -> Judged:
    seen = notes.read(order.notes)
    plan = planned(order.sessions, order.seed)
    return Judged(order.days, plan, order.faulty, order.market(plan), disk.read(order.home, seen), seen)


def _run(orders: list[Order], *, hidden: bool) -> None:
    """Both years beside each other, each as a process."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("FORECASTER_", "MLFLOW_"))}
    environment |= {"PYTHONPATH": str(_ROOT), "MLFLOW_DISABLE_TELEMETRY": "true"}
    with progress_bar(hidden=hidden) as bar:
        years = []
        for order in orders:
            file, log = (order.home.parent / f"{order.home.name}.{kind}" for kind in ("order.json", "log"))
            file.write_text(json.dumps(asdict(order) | {"home": str(order.home)}), encoding="utf-8")
            task = bar.add_task(order.home.name, total=order.sessions + AFTER - 1)
            with log.open("wb") as err:
                process = subprocess.Popen(
                    [sys.executable, "-m", "benchmarks.unattended.running", str(file)],
                    cwd=order.home.parent,  # where no settings lie
                    env=environment,
                    stdout=subprocess.PIPE,
                    stderr=err,
                )
            assert process.stdout is not None
            os.set_blocking(process.stdout.fileno(), False)
            years.append((process, task, log))
        try:
            going = years
            while going:
                time.sleep(_LOOK_SECONDS)
                going = [year for year in going if _followed(bar, *year)]
        finally:
            for process, _, _ in years:
                process.kill()
                process.wait()


def _followed(bar: Any, process: subprocess.Popen[bytes], task: Any, log: Path) -> bool:
    """Whether a year goes on; how far it is goes to the bar."""
    assert process.stdout is not None
    lines = (process.stdout.read() or b"").split()
    if lines:
        bar.update(task, completed=int(lines[-1]))
        if bar.disable and int(lines[-1]) % 10 == 0:
            print(f"{log.stem}: {int(lines[-1])} sessions", file=sys.stderr, flush=True)
    code = process.poll()
    if code:
        raise SystemExit(f"the year {log.stem} ended with code {code}:\n{log.read_text()[-3000:]}")
    return code is None


def _print(shown: dict[str, list[Shown]], faulty: Order, seconds: float) -> None:
    for part, found in shown.items():
        print(part)
        for one in found:
            print(f"  {'holds' if one.held else 'BROKEN':7} {one.promise}: {one.figures}")
            for case in one.broken[:_NAMED]:
                print(f"            {case}")
            if len(one.broken) > _NAMED:
                print(f"            and {len(one.broken) - _NAMED:,} more")
    print("what went wrong on purpose")
    seen = notes.read(faulty.notes)
    kept = [what for _, what in seen.happened if what not in ("the vendor is back", "the clock is set right")]
    print(f"  {len(seen.killed)} passes were killed; {len(kept)} other faults:")
    for what in sorted(set(kept)):
        print(f"    {kept.count(what)} x {what}")
    print(f"{seconds / 60:.1f} minutes")


def _document(shown: dict[str, list[Shown]], seconds: float) -> dict[str, Any]:
    parts = {part: [asdict(one) | {"held": one.held} for one in found] for part, found in shown.items()}
    return {"seconds": round(seconds, 1), "promises": parts}


if __name__ == "__main__":
    main()

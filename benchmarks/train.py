"""Training speed and memory, against PyTorch and against the way of the tutorials.

Two LSTM layers of 64 units, windows of 60 sessions and 5 features. Each contestant is a process of its own on the same
cores, and they are asked in turns, some thousand windows at a time, after a warm-up in which functions are traced:

    ours              windows cut and scaled on the fly, batches of 256, as `forecaster train` does it
    torch             nn.LSTM, the same head, loss, Adam and clipping, batches of 256 ready in memory
    tutorial          keras fit on windows that are all made beforehand, batches of 32, the recurrent layers' own loop
    tutorial, XLA     the same as Keras compiles it by default

Memory is measured in one more process: 2 million windows of the default features, 120 sessions long.

    python benchmarks/train.py [--rounds 7] [--skip-memory] [--torch-python INTERPRETER] [--json]

torch is in the extra `bench`; an interpreter that has it may be named instead. Its threads wait for each other by
spinning, so that beside other busy processes it gets nowhere: nothing else may run, and the load is printed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

SCRIPTS = Path(__file__).parent / "training"
WINDOWS = 5120

OURS, TORCH, TUTORIAL, XLA = "ours", "torch", "tutorial", "tutorial, XLA"
SCRIPT_OF = {OURS: ["ours.py"], TORCH: ["torch_lstm.py"], TUTORIAL: ["tutorial.py"], XLA: ["tutorial.py", "--xla"]}
TARGETS = {TORCH: 1.0, TUTORIAL: 2.5}
MEMORY_TARGET = 1.5
_QUIET = 0.1


class Contestant:
    """A process that trains on so many windows each time it is asked."""

    def __init__(self, name: str, interpreter: str) -> None:
        script, *options = SCRIPT_OF[name]
        self._process = subprocess.Popen(
            [interpreter, str(SCRIPTS / script), str(WINDOWS), *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        )
        self.first_seconds = self._read()

    def seconds(self) -> float:
        """For the next `WINDOWS` windows."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._read()

    def close(self) -> None:
        """End it."""
        self._process.communicate()

    def _read(self) -> float:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self._process.args} ended: run it by hand to see why")
        return float(line)


def measure(rounds: int, torch_python: str) -> dict[str, Any]:
    asked = {name: Contestant(name, torch_python if name == TORCH else sys.executable) for name in SCRIPT_OF}
    times: dict[str, list[float]] = {name: [] for name in asked}
    time.sleep(1)  # until their threads have gone to sleep
    busy = _busy()
    for _ in range(rounds):
        for name, one in asked.items():
            times[name].append(one.seconds())
    for one in asked.values():
        one.close()
    return {
        "windows_per_second": {name: WINDOWS / statistics.median(several) for name, several in times.items()},
        # Each round's own ratio: the machine is alike for all within one.
        "ratio": {
            name: statistics.median(other / own for own, other in zip(times[OURS], several, strict=True))
            for name, several in times.items()
            if name != OURS
        },
        "busy_elsewhere": busy,
        "first_seconds": {name: one.first_seconds for name, one in asked.items()},
    }


def _busy(seconds: float = 2.0) -> float:
    """How many cores other processes keep busy while none of ours is; 0 where the system does not tell."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return 0.0

    def at_work() -> int:
        user, nice, system = (int(one) for one in stat.read_text().split()[1:4])
        return user + nice + system

    before = at_work()
    time.sleep(seconds)
    return (at_work() - before) / os.sysconf("SC_CLK_TCK") / seconds


def memory() -> dict[str, float]:
    done = subprocess.run([sys.executable, str(SCRIPTS / "memory.py")], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def has_torch(interpreter: str) -> bool:
    return subprocess.run([interpreter, "-c", "import torch"], capture_output=True, check=False).returncode == 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--skip-memory", action="store_true")
    parser.add_argument("--torch-python", default=sys.executable)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not has_torch(options.torch_python):
        parser.error(f"{options.torch_python} has no torch: pip install '.[bench]', or name one by --torch-python")
    found = measure(options.rounds, options.torch_python)
    if not options.skip_memory:
        found["memory"] = memory()
    if options.json:
        print(json.dumps(found, indent=2))
        return
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    print(f"two LSTM layers of 64, windows of 60 x 5, {cores} cores, median of {options.rounds} rounds")
    if found["busy_elsewhere"] > _QUIET:
        print(f"  other processes kept {found['busy_elsewhere']:.1f} cores busy: these figures say little")
    for name, rate in found["windows_per_second"].items():
        ratio = "" if name == OURS else f"  ours is {found['ratio'][name]:.2f} times as fast"
        print(f"  {name:15} {rate:8,.0f} windows/s, the first after {found['first_seconds'][name]:4.1f} s{ratio}")
    for name, target in TARGETS.items():
        print(f"target: {target} of {name}: {'met' if found['ratio'][name] >= target else 'not met'}")
    if "memory" in found:
        mib = {key: value / 2**20 for key, value in found["memory"].items()}
        part = mib["peak"] / mib["panel"]
        print(
            f"{found['memory']['windows']:,.0f} windows of 120 sessions: panel {mib['panel']:,.0f} MiB, "
            f"peak beyond tensorflow's own {mib['peak']:,.0f} MiB, all windows at once {mib['materialised']:,.0f} MiB"
        )
        print(f"target: {MEMORY_TARGET} of the panel: {part:.2f}, {'met' if part <= MEMORY_TARGET else 'not met'}")


if __name__ == "__main__":
    main()

"""A scheduler as a process that can be killed: `python -m benchmarks.unattended.rival ORDER`."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.unattended.passing import read
from service.schedule.build import build


def main() -> None:
    """Run what is due by the year's clock. Its passes begin by the clock of the same order."""
    order = Path(sys.argv[1])
    where, clock = read(order)
    passing = (sys.executable, "-m", "benchmarks.unattended.passing", str(order))
    build(where, where.model, clock, passing).run()


if __name__ == "__main__":
    main()

"""The pass's cleaning as a process: `python -m benchmarks.killing.cleans`. What was deleted goes to standard output."""

from __future__ import annotations

import json
import sys
from datetime import date

from data.clock import SystemClock
from forecaster.pipeline.place import Place
from forecaster.pipeline.record import Pass
from forecaster.pipeline.steps.clean import clean
from forecaster.pipeline.training import in_own_process
from forecaster.settings import Settings


def main() -> None:
    where, clock = Settings(), SystemClock()
    now = clock.now()
    nobody = Pass(name=where.model, key=f"{date.max}", session=now.date(), exchange="XSHG", started=now, steps=())
    done = clean(Place(where, clock, nobody, in_own_process, lambda line: print(line, file=sys.stderr)))
    print(json.dumps(dict(done.evidence)))


if __name__ == "__main__":
    main()

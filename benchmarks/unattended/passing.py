"""One pass as a process that can be killed: `python -m benchmarks.unattended.passing ORDER NAME`.

It does what `forecaster retrain --json` does, but by the year's clock: the order is a file with the settings and with
the moment at which it begins.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path

from benchmarks.unattended.clock import OwnClock
from forecaster.errors import ForecasterError
from forecaster.pipeline.record import PassState
from forecaster.pipeline.run import run_pass
from forecaster.pipeline.wire import settings_from_dict, settings_to_dict
from forecaster.settings import Settings


def ordered(where: Settings, now: datetime) -> Path:
    """The file of an order."""
    file = where.home / "order.json"
    file.write_text(json.dumps({"settings": settings_to_dict(where), "now": now.isoformat()}), encoding="utf-8")
    return file


def read(file: Path) -> tuple[Settings, OwnClock]:
    """The settings of an order, and a clock that starts at its moment."""
    order = json.loads(file.read_text(encoding="utf-8"))
    return settings_from_dict(order["settings"]), OwnClock(datetime.fromisoformat(order["now"]))


def main() -> None:
    where, clock = read(Path(sys.argv[1]))
    try:
        done = run_pass(where, clock, inline=True, tell=lambda line: print(line, file=sys.stderr, flush=True))
    except ForecasterError as error:
        sys.exit(f"{error}")
    print(done.model_dump_json())
    sys.exit(int(done.state is PassState.FAILED))


if __name__ == "__main__":
    main()

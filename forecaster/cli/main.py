"""The program `forecaster`: finds its commands by name and runs one."""

from __future__ import annotations

import os
import signal
from importlib.metadata import entry_points, version
from types import FrameType
from typing import Any, Final

import click

_GROUP: Final = "forecaster.commands"

# It ends when it is told to, and may be told before it has been imported, which takes a second.
_ENDS_WHEN_TOLD: Final = "schedule"


class Commands(click.Group):
    """Commands from entry points. A command is imported when it is used, so that each starts as fast as it can."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order in which a user meets them."""
        order = ["demo", "fetch", "train", "predict", "diagnose", "backtest", "leakcheck", "publish", "gates", "models"]
        order += ["retrain", "schedule", "serve", "store", "migrate", "doctor"]
        names = {point.name for point in entry_points(group=_GROUP)}
        return [name for name in order if name in names] + sorted(names - set(order))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command called `cmd_name`, None where there is none."""
        for point in entry_points(group=_GROUP, name=cmd_name):
            if cmd_name == _ENDS_WHEN_TOLD:
                signal.signal(signal.SIGTERM, _told_too_soon)
            command: click.Command = point.load()
            return command
        return None


def _told_too_soon(number: int, frame: FrameType | None) -> None:
    """Nothing was begun; what an import is at is no matter."""
    os._exit(128 + number)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="""\b
A first round, without a network:
  forecaster fetch --provider sample
  forecaster train
  forecaster predict AAPL
  forecaster serve

Settings come from the environment or forecaster.toml: FORECASTER_HOME (default ./var), FORECASTER_STORE,
FORECASTER_MODEL, MLFLOW_TRACKING_URI. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused by a check.""",
)
@click.version_option(version("stock-forecaster"), prog_name="forecaster")
def main(**_: Any) -> None:
    """Forecast the next trading session's close, and say how far to trust it."""


if __name__ == "__main__":
    main()

"""Read by every Python with this folder on its path: the program's clock shows KILLS_NOW when a process begins."""

from __future__ import annotations

import os
import time
from datetime import datetime, timedelta

from data.clock import SystemClock


def show(moment: str) -> None:
    """Let it be a moment, from now on."""
    began = datetime.fromisoformat(moment) - timedelta(seconds=time.monotonic())
    SystemClock.now = lambda self: began + timedelta(seconds=time.monotonic())  # type: ignore[method-assign]


if "KILLS_NOW" in os.environ:
    show(os.environ["KILLS_NOW"])

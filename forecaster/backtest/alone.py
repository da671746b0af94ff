"""A task in a process of its own, for engines whose processes do other things beside it.

Training draws its first weights by way of Python's global random numbers. A Dask worker runs tasks in a thread, and its
event loop draws from the same numbers now and then, so that a training there would sometimes give other weights.

    python -m forecaster.backtest.alone      does the task that comes, pickled, on standard input
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading

from forecaster.backtest.kept import Kept
from forecaster.backtest.orphan import end_with
from forecaster.backtest.prices import Prices
from forecaster.backtest.task import Task, perform

_NOBODY = -1


def perform_apart(task: Task, prices: Prices, kept: Kept, owner: int) -> None:
    """As `perform`, in a process of its own where this one runs tasks in threads and the task is a training.

    Raises:
        CalledProcessError: that process died.
    """
    if not task.contestant.seeded or threading.current_thread() is threading.main_thread():
        perform(task, prices, kept, owner)
        return
    program = [sys.executable, "-m", "forecaster.backtest.alone"]
    subprocess.run(program, input=pickle.dumps((task, prices, kept)), check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    """Do the task on standard input."""
    end_with(os.getppid())
    task, prices, kept = pickle.load(sys.stdin.buffer)
    perform(task, prices, kept, _NOBODY)


if __name__ == "__main__":
    main()

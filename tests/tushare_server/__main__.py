"""Serve a random market by hand: `python -m tests.tushare_server --symbols 300 --per-minute 200`."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from datetime import date

from tests.tushare_server.market import random_market
from tests.tushare_server.server import TushareServer


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the address, and serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m tests.tushare_server", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--symbols", type=int, default=300, help="how many shares")
    parser.add_argument("--first", type=date.fromisoformat, default=date(2016, 1, 1), metavar="YYYY-MM-DD")
    parser.add_argument("--last", type=date.fromisoformat, default=date(2025, 12, 31), metavar="YYYY-MM-DD")
    parser.add_argument("--seed", type=int, default=7, help="of the random prices")
    parser.add_argument("--per-minute", type=int, help="calls that the account may make; without a limit by default")
    parser.add_argument("--points", type=int, default=2000, help="what the account has")
    parser.add_argument("--token", help="the only one that is accepted; any by default")
    asked = parser.parse_args(arguments)

    stop = threading.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda number, frame: stop.set())
    market = random_market(symbols=asked.symbols, first=asked.first, last=asked.last, seed=asked.seed)
    with TushareServer(
        market, port=asked.port, token=asked.token, points=asked.points, per_minute=asked.per_minute
    ) as server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        stop.wait()


if __name__ == "__main__":
    main()

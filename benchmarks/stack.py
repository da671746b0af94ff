"""A compose stack under trial: passes that promote, and containers that are killed while requests run.

The stack is up and empty, with FORECASTER_RETRAIN__PROVIDER=none in its .env: docs/deployment.md says how to start one.
It is given a made-up market, so that it must be one that nobody uses; `down --volumes` removes it all afterwards.

    python benchmarks/stack.py --key KEY [--compose "docker compose"] [--folder deploy] [--only passes,crashes,outages]
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.composed.crashes import crashes
from benchmarks.composed.outages import outages
from benchmarks.composed.passes import passes, plant
from benchmarks.composed.stack import Stack
from benchmarks.serving.finding import Finding
from benchmarks.serving.steady import Steady

_PARTS: Final[Mapping[str, Callable[[Stack, Steady], list[Finding]]]] = {
    "passes": passes,
    "crashes": crashes,
    "outages": outages,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compose", default="docker compose", help="the command; podman-compose takes the same words")
    parser.add_argument("--folder", type=Path, default=Path(__file__).parents[1] / "deploy", help="of compose.yaml")
    parser.add_argument("--port", type=int, default=8000, help="of the service, on the loopback")
    parser.add_argument("--key", default="", help="that may read; none where everybody may")
    parser.add_argument("--rate", type=float, default=50, help="requests a second")
    parser.add_argument("--only", default=",".join(_PARTS), help="what to do, separated by commas")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    parts = given.only.split(",")
    if unknown := set(parts) - set(_PARTS):
        parser.error(f"expected {', '.join(_PARTS)}, got {', '.join(sorted(unknown))}")
    stack = Stack(tuple(shlex.split(given.compose)), given.folder, given.port, given.key)
    found: list[Finding] = []
    if "passes" in parts:
        if stack.ready() is not None:
            parser.error(f"expected a stack without prices, got one that answers on port {given.port}")
        found += plant(stack)
    steady = Steady("127.0.0.1", given.port, stack.request(), given.rate)
    with steady.asking():
        for part in parts:
            found += _PARTS[part](stack, steady)
            if not given.json:
                print("\n".join(one.line() for one in found if one.part == part), flush=True)
    if given.json:
        print(json.dumps([asdict(one) | {"met": one.met} for one in found], indent=1))
    sys.exit(int(any(one.met is False for one in found)))


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"{shlex.join(error.cmd)} ended with code {error.returncode}:\n{error.stderr}") from None
    except OSError as error:
        raise SystemExit(f"expected a stack that is up (docker compose up --detach), got no answer: {error}") from None

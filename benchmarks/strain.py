"""The service under strain: changes under load, overload, reloads, ends, slow clients, and a worker that dies.

A made-up market and two champions of one epoch are served from a home of their own, and each figure is printed beside
its limit. A home that is given is copied before it is changed.

    python benchmarks/strain.py [--home FOLDER] [--only promotions,rollback,…] [--large FOLDER] [--json]
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import uvloop

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.serving.changes import changes_under_load
from benchmarks.serving.ends import kill_worker, sigterm
from benchmarks.serving.finding import Finding
from benchmarks.serving.goback import go_back
from benchmarks.serving.home import environment, make_model, make_prices
from benchmarks.serving.load import request
from benchmarks.serving.overload import overload
from benchmarks.serving.servers import ROOT, Server, fetch, free_port, running
from benchmarks.serving.slow import drips, idle
from forecaster.registry import Registry
from forecaster.settings import Settings
from service.auth import Scope, entry_of, new_key
from service.settings import ServiceSettings

_SESSIONS: Final = 300
_HELD_BACK: Final = 130
_RECEIVE_SECONDS: Final[float] = ServiceSettings.model_fields["receive_seconds"].default


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, help="a home with prices and a champion, copied before use")
    parser.add_argument("--symbols", type=int, default=100, help="of the made-up market, where no home is given")
    parser.add_argument("--only", default=",".join(_PARTS), help="what to do, separated by commas")
    parser.add_argument("--changes", type=int, default=25, help="promotions, and as many updates of the prices")
    parser.add_argument("--seconds", type=float, default=5, help="of each load")
    parser.add_argument("--reloads", type=int, default=300)
    parser.add_argument(
        "--large", type=Path, help="a home whose answers are made apart: reloaded 30 times, rolled back"
    )
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    parts = given.only.split(",")
    if unknown := set(parts) - set(_PARTS):
        parser.error(f"expected {', '.join(_PARTS)}, got {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch) / "home"
        if given.home is None:
            print(f"making {given.symbols} symbols and two champions", file=sys.stderr)
            make_home(home, given.symbols)
        else:
            shutil.copytree(given.home, home)
            second_version(home)
        found: list[Finding] = []
        for part in parts:
            told = _PARTS[part](home, given)
            found += told
            if not given.json:
                print("\n".join(one.line() for one in told), flush=True)
    if given.json:
        print(json.dumps([asdict(one) | {"met": one.met} for one in found], indent=1))
    sys.exit(int(any(one.met is False for one in found)))


def make_home(home: Path, symbols: int) -> None:
    """A market that has sessions to come, and two versions that were trained apart."""
    make_prices(home, symbols, _SESSIONS, held_back=_HELD_BACK)
    for seed in (1, 2):
        make_model(home, symbols, all_judged=True, seed=seed)


def second_version(home: Path) -> None:
    """Register the champion once more where there is no other version."""
    settings = Settings(home=home, store="", tracking_uri="")
    registry = Registry(settings.registry_uri, settings.artifacts, settings.model)
    if len(registry.versions()) < 2:
        champion = registry.by_alias()
        registry.register(registry.bundle_path(champion), params={}, metrics={}, curves={}, tags=champion.tags)


@contextmanager
def served(home: Path, *options: str, key: str = "") -> Iterator[Server]:
    """The service with its usual settings; a key that is given may promote."""
    port = free_port()
    env = environment(home)
    if key:
        env["FORECASTER_API_KEYS"] = entry_of("strain", Scope.ADMIN, key)
    command = ("-m", "forecaster.cli.main", "serve", "--port", str(port), *options)
    with running(command, port, "/health/ready", env) as server:
        yield server


def gets_of(server: Server) -> list[bytes]:
    """A GET of every forecast that there is, shuffled."""
    listed = json.loads(fetch(server.port, "/v1/symbols"))["symbols"]
    names = [entry["symbol"] for entry in listed if entry["forecast"]]
    random.Random(5).shuffle(names)
    return [request(f"/v1/forecasts/{name}") for name in names]


def mixed(server: Server) -> list[bytes]:
    """Such GETs, and between them some whose answers have to be worked out."""
    listed = json.loads(fetch(server.port, "/v1/symbols"))["symbols"]
    slow = [
        request(f"/v1/forecasts/{entry['symbol']}?as_of={entry['as_of']}") for entry in listed[:10] if entry["forecast"]
    ]
    gets = gets_of(server)
    return [gets[number % len(gets)] if number % 10 else slow[number // 10 % len(slow)] for number in range(1000)]


def _promotions(home: Path, given: argparse.Namespace) -> list[Finding]:
    key = new_key()
    with served(home, key=key) as server:
        return changes_under_load(home, server, key, gets_of(server), given.changes, given.changes)


def _rollback(home: Path, given: argparse.Namespace) -> list[Finding]:
    key = new_key()
    with _large(given) as large, served(large or home, key=key) as server:
        return go_back(large or home, server, key, rounds=5)


@contextmanager
def _large(given: argparse.Namespace) -> Iterator[Path | None]:
    """A copy of the large home with two versions, where one is given."""
    if given.large is None:
        yield None
        return
    with tempfile.TemporaryDirectory() as scratch:
        large = Path(shutil.copytree(given.large, Path(scratch) / "large"))
        second_version(large)
        yield large


def _overload(home: Path, given: argparse.Namespace) -> list[Finding]:
    with served(home) as server:
        return overload(server, gets_of(server), (160, 1000), given.seconds)


def _reloads(home: Path, given: argparse.Namespace) -> list[Finding]:
    with _large(given) as large:
        return _reloaded(home, given.reloads) + ([] if large is None else _reloaded(large, 30))


def _reloaded(home: Path, count: int) -> list[Finding]:
    command = [sys.executable, "-m", "benchmarks.serving.reloads", str(home), str(count)]
    done = subprocess.run(command, env=environment(home), cwd=ROOT, stdout=subprocess.PIPE, check=True)
    told: Mapping[str, Any] = json.loads(done.stdout)
    part = f"{count} reloads"
    return [
        Finding("reloads", f"{part}: of which made anew", told["rebuilt"], count, True),
        Finding("reloads", f"{part}: memory after the first load [MiB]", told["first"]),
        Finding("reloads", f"{part}: memory before them, after ten more [MiB]", told["warm"]),
        Finding("reloads", f"{part}: growth at the end [MiB]", told["last"] - told["warm"], 20),
        Finding("reloads", f"{part}: growth at the highest [MiB]", told["highest"] - told["warm"], 20),
    ]


def _sigterm(home: Path, given: argparse.Namespace) -> list[Finding]:
    found = []
    for workers in (1, 2):
        for kept in (True, False):
            with served(home, "--workers", str(workers)) as server:
                found += sigterm(server, mixed(server), f"{workers} worker{'s' * (workers > 1)}", kept=kept)
    return found


def _slow(home: Path, given: argparse.Namespace) -> list[Finding]:
    with served(home) as server:
        found = uvloop.run(drips(server.port, _RECEIVE_SECONDS, connections=20))
        return found + uvloop.run(idle(server.port, sockets=500, seconds=given.seconds, rounds=3))


def _workers(home: Path, given: argparse.Namespace) -> list[Finding]:
    with served(home, "--workers", "2") as server:
        return kill_worker(server, gets_of(server))


_PARTS: Final[Mapping[str, Callable[[Path, argparse.Namespace], list[Finding]]]] = {
    "promotions": _promotions,
    "rollback": _rollback,
    "overload": _overload,
    "reloads": _reloads,
    "sigterm": _sigterm,
    "slow": _slow,
    "workers": _workers,
}

if __name__ == "__main__":
    main()

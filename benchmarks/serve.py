"""The service under load beside what else could answer, one worker each, all in one run.

A made-up market of 5,000 shares and a champion that was trained for one epoch are served from a home of their own. The
servers take turns, so that what slows the machine slows all of them alike:

- the service, with everything it does for every request;
- a bare FastAPI route that returns the same bytes, the least that any such service does;
- what tutorials build: FastAPI with `model.predict` for every request;
- MLflow's own model server with the same network, on scaled windows.

    python benchmarks/serve.py [--symbols 5000] [--sessions 300] [--seconds 10] [--rounds 5] [--home FOLDER] [--json]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import uvloop

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.serving.home import environment, make_model, make_prices, symbols_of
from benchmarks.serving.load import Told, answer, request, run
from benchmarks.serving.servers import Server, fetch, free_port, running
from data.features import memory
from data.store import PriceStore
from forecaster.bundle import Bundle, read_bundle
from forecaster.registry import Registry
from forecaster.settings import Settings

CONNECTIONS: Final = 16
OURS: Final = "the service"
BARE: Final = "bare FastAPI, the same bytes"
PREDICT: Final = "FastAPI + model.predict"
MLFLOW: Final = "MLflow's model server"

_PROGRAM: Final = ("-m", "forecaster.cli.main")
_RIVALS: Final = ("-m", "benchmarks.serving.rivals")
_SINGLE: Final = 400


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--symbols", type=int, default=5000)
    parser.add_argument("--sessions", type=int, default=300, help="bars of each symbol")
    parser.add_argument("--seconds", type=float, default=10, help="of load in each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--home", type=Path, default=Path("var/serving"), help="kept, and used again")
    parser.add_argument("--all-judged", action="store_true", help="train on all symbols, which takes some minutes")
    parser.add_argument("--without-rivals", action="store_true", help="only the service and the bare route")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    home = given.home.absolute()
    if not (home / "made").exists():
        print(f"making {given.symbols} symbols and a champion in {home}", file=sys.stderr)
        make_prices(home, given.symbols, given.sessions)
        make_model(home, given.symbols, all_judged=given.all_judged)
        (home / "made").write_text(f"{given.symbols} symbols x {given.sessions} sessions\n")
    result = measure(home, given.symbols, given.seconds, given.rounds, rivals=not given.without_rivals)
    if given.json:
        print(json.dumps(result, indent=1))
    else:
        _print(result)


def measure(home: Path, symbols: int, seconds: float, rounds: int, *, rivals: bool) -> dict[str, Any]:
    names = symbols_of(symbols)
    random.Random(5).shuffle(names)
    gets = [request(f"/v1/forecasts/{name}") for name in names]
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        folder = Path(scratch)
        starts = []
        for _ in range(3):
            with _service(home) as server:
                starts.append(server.seconds)
        ours = stack.enter_context(_service(home))
        at_rest = ours.memory()
        bodies = {name: fetch(ours.port, f"/v1/forecasts/{name}").decode() for name in names}
        (folder / "bodies.json").write_text(json.dumps(bodies))
        bare = stack.enter_context(_rival("bare", folder, names[0]))
        told: dict[str, list[Told]] = {OURS: [], BARE: []}
        for _ in range(rounds):
            for name, server in ((BARE, bare), (OURS, ours)):
                told[name].append(_load(server, gets, seconds))
        _warn_of_failures(told)
        batch = json.dumps({"symbols": names}).encode()
        many = [_timed(ours.port, "/v1/forecasts", batch) for _ in range(10)]
        result: dict[str, Any] = {
            "symbols": symbols,
            "connections": CONNECTIONS,
            "body_bytes": statistics.mean(len(body.encode()) for body in bodies.values()),
            "load": {name: _summary(own) for name, own in told.items()},
            "post_all_symbols_seconds": statistics.median(many),
            "own_bars": _own_bars(home, ours, names[0]),
            "start_to_ready_seconds": starts,
            "memory_mib": {"at rest": at_rest, "after the load": ours.memory()},
        }
        rate = [one.rate / other.rate for one, other in zip(told[OURS], told[BARE], strict=True)]
        p99 = [one.percentile(99) / other.percentile(99) for one, other in zip(told[OURS], told[BARE], strict=True)]
        result["rate_by_bare"], result["p99_by_bare"] = statistics.median(rate), statistics.median(p99)
        if rivals:
            result["load"] |= _beside(home, folder, gets, seconds)
    return result


def _beside(home: Path, folder: Path, gets: Sequence[bytes], seconds: float) -> dict[str, Any]:
    """What the tutorials' service and MLflow's server do; each alone, since they take all there is."""
    bundle = _bundle(home)
    windows = np.random.default_rng(3).random((256, bundle.spec.lookback, len(bundle.spec.features)), dtype=np.float32)
    names = [get.split(b" ", 2)[1].rsplit(b"/", 1)[1].decode() for get in gets[: len(windows)]]
    np.save(folder / "windows.npy", windows)
    (folder / "symbols.json").write_text(json.dumps(names))
    (folder / "model.keras").write_bytes((bundle.path / "model.keras").read_bytes())
    with _rival("predict", folder, names[0]) as server:
        predict = _load(server, gets[: len(windows)], seconds)
    _save_for_mlflow(bundle, folder / "mlflow")
    inputs = [json.dumps({"inputs": window[None].tolist()}).encode() for window in windows[:32]]
    port = free_port()
    app = ("-m", "uvicorn", "mlflow.pyfunc.scoring_server.app:app", "--port", str(port), "--log-level", "warning")
    with running(app, port, "/ping", environment(home) | {"__pyfunc_model_path__": str(folder / "mlflow")}) as server:
        mlflow = _load(server, [request("/invocations", body) for body in inputs], seconds)
    _warn_of_failures({PREDICT: [predict], MLFLOW: [mlflow]})
    return {PREDICT: _summary([predict]), MLFLOW: _summary([mlflow])}


def _save_for_mlflow(bundle: Bundle, path: Path) -> None:
    import mlflow

    mlflow.pyfunc.save_model(
        path,
        python_model=str(Path(__file__).parent / "serving" / "mlflow_model.py"),
        artifacts={"network": str(bundle.path / "model.onnx")},
        pip_requirements=[],
    )


def _own_bars(home: Path, server: Server, symbol: str) -> dict[str, float]:
    """A forecast of the caller's own bars, one after the other over one connection."""
    spec = _bundle(home).spec
    bars = PriceStore(home / "prices").read([symbol]).frame.tail(spec.lookback + memory(spec.features) + 1)
    columns = ("open", "high", "low", "close", "volume", "adj_factor")
    rows = [
        {"session": str(row["session"].date()), **{name: row[name] for name in columns}}
        for row in bars.to_dict("records")
    ]
    asked = request("/v1/forecasts", json.dumps({"symbol": symbol, "bars": rows}).encode())

    async def go() -> list[float]:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        taken = []
        for _ in range(_SINGLE):
            began = time.perf_counter()
            writer.write(asked)
            status, _, body = await answer(reader)
            taken.append(1000.0 * (time.perf_counter() - began))
            assert status == 200, body
        writer.close()
        return taken

    taken = uvloop.run(go())[_SINGLE // 10 :]
    return {"bars": len(rows), "p50_ms": float(np.percentile(taken, 50)), "p99_ms": float(np.percentile(taken, 99))}


def _bundle(home: Path) -> Bundle:
    where = Settings(home=home, store="", tracking_uri="")
    registry = Registry(where.registry_uri, where.artifacts, where.model)
    return read_bundle(registry.bundle_path(registry.by_alias()))


def _service(home: Path) -> Any:
    port = free_port()
    command = (*_PROGRAM, "serve", "--port", str(port))
    return running(command, port, "/health/ready", environment(home))


def _rival(kind: str, folder: Path, symbol: str) -> Any:
    port = free_port()
    return running((*_RIVALS, kind, str(port), str(folder)), port, f"/v1/forecasts/{symbol}")


def _load(server: Server, requests: Sequence[bytes], seconds: float) -> Told:
    return uvloop.run(run(server.port, requests, connections=CONNECTIONS, seconds=seconds))


def _timed(port: int, path: str, body: bytes) -> float:
    began = time.perf_counter()
    content = fetch(port, path, body)
    taken = time.perf_counter() - began
    assert json.loads(content)["forecasts"]
    return taken


def _summary(several: Sequence[Told]) -> dict[str, float]:
    return {
        "requests_a_second": statistics.median(one.rate for one in several),
        "p50_ms": statistics.median(one.percentile(50) for one in several),
        "p99_ms": statistics.median(one.percentile(99) for one in several),
    }


def _warn_of_failures(told: dict[str, list[Told]]) -> None:
    for name, several in told.items():
        failed = sum(count for one in several for status, count in one.status.items() if status != 200)
        if failed:
            print(f"{name}: {failed} requests failed", file=sys.stderr)


def _print(found: dict[str, Any]) -> None:
    print(f"{found['symbols']} symbols, {found['connections']} connections, answers of {found['body_bytes']:.0f} bytes")
    table = pd.DataFrame(found["load"]).T.rename(columns=lambda name: name.replace("_", " "))
    print(table.to_string(float_format=lambda value: f"{value:,.2f}"))
    ready = statistics.median(found["start_to_ready_seconds"])
    own = found["own_bars"]
    for text, value, limit, at_least in (
        ("requests a second, by the bare route's", found["rate_by_bare"], 0.85, True),
        ("p99, by the bare route's", found["p99_by_bare"], 2.0, False),
        ("POST of all symbols [s]", found["post_all_symbols_seconds"], 1.0, False),
        (f"own bars ({own['bars']}), p50 [ms]", own["p50_ms"], 3.0, False),
        ("start to ready [s]", ready, 5.0, False),
        ("memory after the load [MiB]", found["memory_mib"]["after the load"], 400.0, False),
    ):
        met = "met" if (value >= limit if at_least else value <= limit) else "NOT met"
        print(f"  {text:42} {value:9.3f}   {'at least' if at_least else 'at most'} {limit:g}: {met}")


if __name__ == "__main__":
    main()

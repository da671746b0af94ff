"""A network for each symbol, trained by many processes: of this machine, or of a Dask or Ray cluster.

Each training has one core, so that its weights do not depend on where it is done. Whoever does it registers the
version; which ones there are, and who serves, is the caller's.

    python -m forecaster.spread      trains what comes, pickled, on standard input, and prints what came of it
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from data.errors import DataError
from data.store import PriceStore
from forecaster.backtest.engine import Call, Engine, opened
from forecaster.backtest.orphan import end_with
from forecaster.backtest.task import one_thread
from forecaster.errors import ForecasterError, TrainingBroken
from forecaster.experiment import run_experiment
from forecaster.quiet import native_stderr_withheld
from forecaster.registry import Registry
from forecaster.spec import ModelSpec, TrainSpec
from forecaster.start import Start, read_start

TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class Order:
    """One training.

    Attributes:
        symbol: whose prices.
        store: where they are, as whoever trains reaches them.
        registry, artifacts: likewise of the registry.
        name: of the symbol's model.
        spec, training: what to train, and how.
        start: the name and the version of a model to go on from; None starts afresh.
        checkpoints: the folder where it is kept how far a training is; None keeps nothing.
        fresh: start anew where a checkpoint is.
        owner: the process that asks for it; one that it started ends with it.
    """

    symbol: str
    store: str
    registry: str
    artifacts: Path
    name: str
    spec: ModelSpec
    training: TrainSpec
    start: tuple[str, str] | None
    checkpoints: Path | None
    fresh: bool
    owner: int


@dataclass(frozen=True, slots=True)
class Told:
    """What came of an order.

    Attributes:
        symbol: whose.
        version: what was registered; None where nothing was.
        failure: the name of the error; None where there was none.
        reason: its message.
    """

    symbol: str
    version: str | None = None
    failure: str | None = None
    reason: str = ""


def orders_of(
    symbols: Sequence[str],
    store: PriceStore,
    registry_of: Callable[[str], Registry],
    name: str,
    spec: ModelSpec,
    training: TrainSpec,
    start: Start | None,
    checkpoints: Path | None,
    *,
    fresh: bool,
) -> list[Order]:
    """The orders of this process; arguments as `forecaster.per_symbol.train_each` takes them."""
    return [
        Order(
            symbol=symbol,
            store=store.absolute_uri,
            registry=models.uri,
            artifacts=models.artifacts,
            name=models.name,
            spec=spec,
            training=training,
            start=(start.version.name, start.version.version) if start else None,
            checkpoints=checkpoints and checkpoints.absolute(),
            fresh=fresh,
            owner=os.getpid(),
        )
        for symbol, models in ((symbol, registry_of(f"{name}.{symbol}")) for symbol in symbols)
    ]


def spread(
    orders: Sequence[Order],
    engine: Engine,
    jobs: int | None,
    address: str | None,
    told: Callable[[Told], None],
) -> None:
    """Do all of them. A process or a node may die: what it was at is done again, `TRIES` times at most.

    Args:
        orders: each of another symbol.
        engine, jobs, address: who does it; see `forecaster.backtest.engine.opened`.
        told: is given what came of each, as they end.

    Raises:
        EngineUnavailable: nobody is there to do them.
    """
    pending = {order.symbol: order for order in orders}
    deaths: Counter[str] = Counter()
    alone = False

    def ended(result: Told) -> None:
        del pending[result.symbol]
        told(result)

    if not pending:
        return
    with opened(engine, jobs, address) as do:
        while pending:
            left = len(pending)
            # One that ends every process it is given to may have taken all the others with it.
            batch = list(pending.values())[:1] if alone else list(pending.values())
            calls: list[Call] = [(train_apart, (order,)) for order in batch]
            try:
                do(calls, ended)
            except Exception as error:  # each engine has errors of its own for a process that died
                reason = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
            if alone and len(pending) == left:
                symbol = batch[0].symbol
                deaths[symbol] += 1
                if deaths[symbol] == TRIES:
                    broken = TrainingBroken(symbol, TRIES, reason)
                    ended(Told(symbol, failure=type(broken).__name__, reason=str(broken)))
            alone = len(pending) == left


def train_apart(order: Order) -> Told:
    """Train, in a process of its own where this one runs what it is given in threads.

    Training draws its first weights by way of Python's global random numbers, from which a Dask worker's event loop
    draws, too.

    Raises:
        CalledProcessError: that process died.
    """
    if threading.current_thread() is threading.main_thread():
        return _trained(order)
    program = [sys.executable, "-m", "forecaster.spread"]
    done = subprocess.run(program, input=pickle.dumps(order), check=True, stdout=subprocess.PIPE)
    return Told(**json.loads(done.stdout))


def _trained(order: Order) -> Told:
    end_with(order.owner)
    try:
        with one_thread(), native_stderr_withheld(Exception):
            start = order.start and read_start(
                Registry(order.registry, order.artifacts, order.start[0]), order.start[1]
            )
            made = run_experiment(
                PriceStore(order.store),
                Registry(order.registry, order.artifacts, order.name),
                order.spec,
                order.training,
                symbols=[order.symbol],
                start=start,
                checkpoints=order.checkpoints,
                fresh=order.fresh,
                cores=1,
            )
    except (DataError, ForecasterError) as error:
        return Told(order.symbol, failure=type(error).__name__, reason=str(error))
    return Told(order.symbol, made.version.version)


def main() -> None:
    """Do the order on standard input."""
    end_with(os.getppid())
    order: Order = pickle.load(sys.stdin.buffer)
    answer = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print is no part of the answer
    with answer:
        json.dump(asdict(_trained(order)), answer)


if __name__ == "__main__":
    main()

"""A network for each symbol, each a model of its own, named for the symbol: `next-close.AAPL`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from data.errors import DataError, EmptyStore, SymbolError, TooFewBars, TooFewSessions, UnscaledSymbol
from data.store import PriceStore
from forecaster.backtest.engine import Engine
from forecaster.bundle import read_bundle
from forecaster.errors import (
    AlreadyLearnt,
    CorruptCheckpoint,
    ForecasterError,
    ParityError,
    SpecError,
    TrainedElsewhere,
    TrainingDiverged,
    UnknownVersion,
)
from forecaster.experiment import Experiment, require_training_packages, run_experiment
from forecaster.registry import Registry
from forecaster.spec import ModelSpec, TrainSpec, to_dict
from forecaster.spread import Told, orders_of, spread
from forecaster.start import Start
from forecaster.step import Step

if TYPE_CHECKING:
    from forecaster.training import Checkpoint

# What is wrong with one symbol's prices, or comes of them; all else would be wrong for every symbol.
_FAILURES: Final = (
    SymbolError,
    TooFewBars,
    TooFewSessions,
    UnscaledSymbol,
    AlreadyLearnt,
    ParityError,
    TrainingDiverged,
)


@dataclass(frozen=True, slots=True)
class Each:
    """What a run over symbols came to.

    Attributes:
        made: by symbol, what was trained.
        failed: by symbol, why nothing was.
    """

    made: dict[str, Experiment]
    failed: dict[str, DataError | ForecasterError]


def train_each(
    store: PriceStore,
    registry_of: Callable[[str], Registry],
    name: str,
    spec: ModelSpec,
    training: TrainSpec,
    *,
    symbols: Sequence[str] | None = None,
    progress: Callable[[Step], None] = lambda step: None,
    trained: Callable[[Registry, Experiment], None] = lambda registry, made: None,
    start: Start | None = None,
    checkpoints: Path | None = None,
    fresh: bool = False,
    engine: Engine | None = None,
    jobs: int | None = None,
    address: str | None = None,
) -> Each:
    """Train a network on each symbol's own prices and register it under `NAME.SYMBOL`.

    Killed, it goes on with the symbol that it was at. A symbol that fails does not stop the others.

    Args:
        store: where the prices are.
        registry_of: the registry of a model's name.
        name: what the models' names begin with.
        spec, training, start, checkpoints, fresh: as `run_experiment` takes them.
        symbols: which; None takes all that are stored.
        progress: called at each step of each symbol; `done` is the part of all.
        trained: called when a symbol's version is registered.
        engine, jobs, address: who trains several at a time, each on one core, as `forecaster.backtest.engine.opened`
            takes them; None trains one after the other here, each on all cores.

    Raises:
        SpecError: the name is that of one symbol's model already.
        EngineUnavailable: the engine is not there.
        EmptyStore: there are no prices.
        TrainingStopped, TrainingBusy, TrainingUnavailable, RegistryError: as `run_experiment` raises them.
    """
    if "." in name:
        raise SpecError("--name", "a name without a symbol, which --per-symbol adds", name)
    require_training_packages()
    chosen = sorted(set(symbols)) if symbols is not None else sorted(store.newest()["symbol"])
    if not chosen:
        raise EmptyStore(store.uri)
    each = Each({}, {})
    key = _key(name, chosen, spec, training, start, store.version(), 1 if engine else None)
    with _Done.of(checkpoints, key, fresh=fresh) as done:
        if engine is not None:
            left = []
            for symbol in chosen:
                earlier = _registered(registry_of(f"{name}.{symbol}"), done.versions.get(symbol))
                if earlier is None:
                    left.append(symbol)
                else:
                    each.made[symbol] = earlier
            orders = orders_of(left, store, registry_of, name, spec, training, start, checkpoints, fresh=fresh)
            spread(
                orders,
                engine,
                jobs,
                address,
                partial(_note, each, done, registry_of, name, len(chosen), progress, trained),
            )
            done.finish()
            return Each(dict(sorted(each.made.items())), dict(sorted(each.failed.items())))
        for place, symbol in enumerate(chosen):
            models = registry_of(f"{name}.{symbol}")
            label = f"{symbol} ({place + 1} of {len(chosen)})"

            def tell(step: Step, label: str = label, place: int = place) -> None:
                part = None if step.done is None else (place + step.done) / len(chosen)
                progress(replace(step, text=f"{label}: {step.text}", done=part))

            earlier = _registered(models, done.versions.get(symbol))
            if earlier is not None:
                tell(Step(f"version {earlier.version.version} was trained before the others were stopped", 1.0))
                each.made[symbol] = earlier
                continue
            try:
                made = run_experiment(
                    store,
                    models,
                    spec,
                    training,
                    symbols=[symbol],
                    progress=tell,
                    start=start,
                    checkpoints=checkpoints,
                    fresh=fresh,
                )
            except _FAILURES as error:
                tell(Step(f"failed: {error}", 1.0))
                each.failed[symbol] = error
                continue
            trained(models, made)
            done.add(symbol, made.version.version)
            each.made[symbol] = made
        done.finish()
    return each


def _note(
    each: Each,
    done: _Done,
    registry_of: Callable[[str], Registry],
    name: str,
    count: int,
    progress: Callable[[Step], None],
    trained: Callable[[Registry, Experiment], None],
    told: Told,
) -> None:
    """What another process told of a symbol."""
    models = registry_of(f"{name}.{told.symbol}")
    made = _registered(models, told.version)
    if made is None:
        each.failed[told.symbol] = TrainedElsewhere(told.symbol, str(told.failure), told.reason)
        text = f"failed: {told.reason}"
    else:
        trained(models, made)
        done.add(told.symbol, made.version.version)
        each.made[told.symbol] = made
        text = f"version {made.version.version}, {made.training_seconds:.1f} s"
    ready = len(each.made) + len(each.failed)
    progress(Step(f"{told.symbol} ({ready} of {count}): {text}", ready / count))


class _Done:
    """Which symbols are trained, kept on disk until all are."""

    def __init__(self, kept: Checkpoint | None, versions: dict[str, str]) -> None:
        self.versions = versions
        self._kept = kept

    @classmethod
    @contextmanager
    def of(cls, folder: Path | None, key: str, *, fresh: bool) -> Iterator[_Done]:
        if folder is None:
            yield cls(None, {})
            return
        from forecaster.training import Checkpoint

        with Checkpoint(folder, key) as kept:
            try:
                saved = None if fresh else kept.read()
            except CorruptCheckpoint:  # a symbol that is trained twice is no harm
                saved = None
            yield cls(kept, dict(saved.facts) if saved else {})

    def add(self, symbol: str, version: str) -> None:
        self.versions[symbol] = version
        if self._kept is not None:
            from forecaster.training import State

            self._kept.write(State(self.versions))

    def finish(self) -> None:
        if self._kept is not None:
            self._kept.remove()


def _registered(models: Registry, version: str | None) -> Experiment | None:
    if version is None:
        return None
    try:
        found = models.get(version)
    except UnknownVersion:
        return None
    return Experiment.of(found, read_bundle(models.bundle_path(found)))


def _key(
    name: str,
    symbols: Sequence[str],
    spec: ModelSpec,
    training: TrainSpec,
    start: Start | None,
    data_version: int | None,
    cores: int | None,
) -> str:
    words = [name, list(symbols), to_dict(spec), to_dict(training), start.facts if start else None, data_version]
    words += [] if cores is None else [cores]
    return hashlib.sha256(json.dumps(words).encode()).hexdigest()

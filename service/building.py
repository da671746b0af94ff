"""Making all answers in a process of its own, so that the one that answers stays small and never waits for it.

What it takes to make them, the prices and the table engine with its threads, is gone with that process. It ends when
they are made. What comes back is what answers need; the network and the held-out forecasts are opened here, each after
its hash was checked.

The two processes are one program, and what passes between them goes through a pipe that nobody else can reach.
"""

from __future__ import annotations

import gc
import pickle
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from data.sessions import Calendars
from data.store import PriceStore
from forecaster.bundle import Bundle
from forecaster.noted import noted
from forecaster.version import Version
from service.builder import Builder
from service.loaded import Loaded, load_from
from service.ready import Ready
from service.schemas.models import ModelFacts, ModelName
from service.settings import ServiceSettings
from service.snapshot import Snapshot, build_snapshot, version_of


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be made.

    Attributes:
        version, path: the model and where its bundle is.
        threads: ONNX Runtime's.
        store: where the prices are.
        calendars: the exchanges' sessions.
        now: the present, with a time zone.
    """

    version: Version
    path: Path
    threads: int
    store: str
    calendars: Calendars
    now: datetime


@dataclass(frozen=True, slots=True)
class Sent:
    """A model and its answers in a form that passes between processes; the model only where it was asked for."""

    model: tuple[ModelName, ModelFacts, Mapping[str, Any], Mapping[str, bytes]] | None
    held: Mapping[str, Any]
    forecasts: Mapping[str, bytes]
    refusals: Mapping[str, tuple[type[Exception], tuple[Any, ...], Mapping[str, Any]]]
    symbols: bytes


_APART: Final = ("loaded", "forecasts", "refusals", "symbols")


def make(order: Order) -> Snapshot:
    """All answers of a model, made here.

    Raises:
        BundleError: the bundle is not whole, or says something else than it did.
        DataError: the prices cannot be read.
    """
    loaded = load_from(order.path, order.version, threads=order.threads)
    return build_snapshot(loaded, PriceStore(order.store), order.calendars, order.now)


def made_apart(builder: Builder, order: Order, held: Loaded | None) -> Snapshot:
    """The same, made in another process. Blocks.

    Args:
        builder: the other process.
        order: what is to be made.
        held: the model, where it is loaded here already.

    Raises:
        BuilderEnded: the other process did not end well.
        BundleError, DataError: as `make`.
    """
    sent = builder.ask((order, held is None))
    if isinstance(sent, tuple):
        raise _revived(*sent)
    return _received(sent, order, held)


def first_made(builder: Builder) -> Snapshot:
    """What the other process made of the first order, which it was given before this one knew anything. Blocks.

    Whether it is what serves is for the caller to compare.

    Raises:
        BuilderEnded: it did not end well.
        ForecasterError, DataError: why there is nothing.
    """
    told = builder.answer()
    if not isinstance(told[0], Order):
        raise _revived(*told)
    order, sent = told
    return _received(sent, order, None)


def _first_order(settings: ServiceSettings, now: datetime) -> Order:
    """What probably serves: what was noted, or else what the registry says."""
    found = None if settings.tracking_uri else noted(settings.artifacts, settings.model)
    if found is None:
        # Here: who knows without it need not wait for MLflow.
        from forecaster.registry import Registry

        registry = Registry(settings.registry_uri, settings.artifacts, settings.model)
        version = registry.by_alias()
        found = version, registry.bundle_path(version)
    store = PriceStore(settings.store_uri)
    return Order(*found, settings.threads, store.uri, store.calendars(), now)


def _received(sent: Sent, order: Order, held: Loaded | None) -> Snapshot:
    if held is None:
        assert sent.model is not None
        name, facts, manifest, figures = sent.model
        bundle = Bundle(order.path, manifest)
        held = Loaded(
            version=order.version,
            name=name,
            facts=facts,
            bundle=bundle,
            network=bundle.model(threads=order.threads),
            held_out=bundle.held_out(),
            figures=figures,
        )
    version = version_of(held, sent.held["data_version"])
    return Snapshot(
        loaded=held,
        **sent.held,
        forecasts={symbol: Ready(body, version) for symbol, body in sent.forecasts.items()},
        refusals={symbol: _revived(*one) for symbol, one in sent.refusals.items()},
        symbols=Ready(sent.symbols, version),
    )


def _sent(made: Snapshot, *, with_model: bool) -> Sent:
    loaded = made.loaded
    return Sent(
        model=(loaded.name, loaded.facts, loaded.bundle.manifest, loaded.figures) if with_model else None,
        held={part.name: getattr(made, part.name) for part in fields(made) if part.name not in _APART},
        forecasts={symbol: one.body for symbol, one in made.forecasts.items()},
        refusals={symbol: _flat(error) for symbol, error in made.refusals.items()},
        symbols=made.symbols.body,
    )


def _flat(error: Exception) -> tuple[type[Exception], tuple[Any, ...], Mapping[str, Any]]:
    """An error in parts: its constructor takes facts, and a pickle would give it the message."""
    return type(error), error.args, vars(error)


def _revived(kind: type[Exception], args: tuple[Any, ...], facts: Mapping[str, Any]) -> Exception:
    error = kind.__new__(kind)
    error.args = args
    vars(error).update(facts)
    return error


def main() -> None:
    """What the other process does: read an order, write what came of it."""
    from service import logs

    # It ends before cycles of garbage could amount to anything, and looking for them takes a fifth of its time.
    gc.disable()
    logs.configure()
    try:
        order, more = pickle.load(sys.stdin.buffer)
    except EOFError:  # whoever might have ordered something has gone
        return
    try:
        told: object
        if isinstance(order, Order):
            told = _sent(make(order), with_model=more)
        else:
            first = _first_order(order, more)
            told = (first, _sent(make(first), with_model=True))
    except Exception as error:  # the other process knows what to say of it
        told = _flat(error)
    pickle.dump(told, sys.stdout.buffer)

"""Making all answers in a process of its own, so that the one that answers stays small and never waits for it.

What it takes to make them, the prices and the table engine with its threads, is gone with that process. It ends when
they are made. They come back some hundreds at a time while others are made; the network and the held-out forecasts are
opened here meanwhile.

The two processes are one program, and what passes between them goes through a pipe that nobody else can reach.
"""

from __future__ import annotations

import gc
import logging
import os
import pickle
import sys
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from data.sessions import Calendars
from data.store import PriceStore
from forecaster.bundle import Bundle
from forecaster.newest import SLICE
from forecaster.noted import noted
from forecaster.version import Version
from service.builder import Builder
from service.loaded import Loaded, Verified, opened, verified
from service.schemas.models import ModelFacts, ModelName
from service.settings import ServiceSettings
from service.snapshot import Facts, Snapshot, Told, assembled, build_snapshot, make_answers


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
    """What passes of a model between processes: all but what is opened on either side.

    Attributes:
        order: the one that it was verified for.
    """

    order: Order
    name: ModelName
    facts: ModelFacts
    manifest: Mapping[str, Any]
    figures: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Failed:
    """Why there is nothing more: an error in parts, since a pickle would give its constructor the message for facts."""

    kind: type[Exception]
    args: tuple[Any, ...]
    facts: Mapping[str, Any]

    def error(self) -> Exception:
        """The error."""
        made = self.kind.__new__(self.kind)
        made.args = self.args
        vars(made).update(self.facts)
        return made


def make(order: Order) -> Snapshot:
    """All answers of a model, made here.

    Raises:
        BundleError: the bundle is not whole, or says something else than it did.
        DataError: the prices cannot be read.
    """
    loaded = opened(verified(order.path, order.version, threads=order.threads))
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
    builder.begin((order, held is None))
    with closing(received(builder)) as parts:
        return assembled(open_sent(next(parts)) if held is None else held, told_of(parts))


def first_made(builder: Builder, champion: Version) -> Snapshot | None:
    """What the other process makes of the first order, which it was given before this one knew anything. Blocks.

    Args:
        builder: the other process.
        champion: what serves.

    Returns:
        The answers; None where they are another version's.

    Raises:
        BuilderEnded: it did not end well.
        ForecasterError, DataError: why there is nothing.
    """
    with closing(received(builder)) as parts:
        loaded = open_sent(next(parts))
        if not loaded.is_version(champion):
            return None
        return assembled(replace(loaded, version=champion), told_of(parts))


def received(builder: Builder) -> Generator[Any, None, None]:
    """What the other process sends, until an error comes of it. Raises as `made_apart`."""
    with closing(builder.parts()) as parts:
        for part in parts:
            if isinstance(part, Failed):
                raise part.error()
            yield part


def told_of(parts: Iterator[Any]) -> Iterator[Told | Facts]:
    """Answers and facts of what was sent."""
    for part in parts:
        if isinstance(part, Facts):
            yield part
        else:
            for symbol, told in part:
                yield symbol, told.error() if isinstance(told, Failed) else told


def open_sent(sent: Sent) -> Loaded:
    """The network and the held-out forecasts are opened here, each after its hash was checked."""
    order = sent.order
    bundle = Bundle(order.path, sent.manifest)
    network = bundle.model(threads=order.threads)
    return opened(Verified(order.version, sent.name, sent.facts, bundle, network, sent.figures))


def main() -> None:
    """What the other process does: read an order, write what comes of it, part after part."""
    from service import logs

    # It ends before cycles of garbage could amount to anything, and looking for them takes a fifth of its time.
    gc.disable()
    logs.configure()
    try:
        order, more = pickle.load(sys.stdin.buffer)
    except EOFError:  # whoever might have ordered something has gone
        return
    try:
        if isinstance(order, Order):
            parts = _parts(order, with_model=more)
        else:
            parts = _parts(_first_order(order, more), with_model=True)
        for part in parts:
            _send(part)
    except Exception as error:  # the other process knows what to say of it
        _send(failed(error))
    # All was said, and whoever asked waits for the end: putting everything away takes a fifth of a second.
    logging.shutdown()
    os._exit(0)


def _send(part: object) -> None:
    pickle.dump(part, sys.stdout.buffer)
    sys.stdout.buffer.flush()


def _parts(order: Order, *, with_model: bool) -> Iterator[object]:
    """The model where it is asked for, then answers, many at a time, and the facts about all of them."""
    model = verified(order.path, order.version, threads=order.threads)
    if with_model:
        yield Sent(order, model.name, model.facts, model.bundle.manifest, model.figures)
    some: list[tuple[str, bytes | Failed]] = []
    for one in make_answers(model, PriceStore(order.store), order.calendars, order.now):
        if isinstance(one, Facts):
            yield some
            yield one
        else:
            symbol, told = one
            some.append((symbol, failed(told) if isinstance(told, Exception) else told))
            if len(some) == SLICE:
                yield some
                some = []


def failed(error: Exception) -> Failed:
    """An error, as it is sent."""
    return Failed(type(error), error.args, vars(error))


def _first_order(settings: ServiceSettings, now: datetime) -> Order:
    """What probably serves: what was noted, or else what the registry says."""
    known = None if settings.tracking_uri else noted(settings.artifacts, settings.registry_file, settings.model)
    if known is not None:
        found = known.version, known.path
    else:
        # Here: who knows without it need not wait for MLflow.
        from forecaster.registry import Registry

        registry = Registry(settings.registry_uri, settings.artifacts, settings.model)
        version = registry.by_alias()
        found = version, registry.bundle_path(version)
    store = PriceStore(settings.store_uri)
    return Order(*found, settings.threads, store.uri, store.calendars(), now)

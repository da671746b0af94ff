"""Making all answers in a process of its own, so that the one that answers stays small and never waits for it.

What it takes to make them, the prices and the table engine with its threads, is gone with that process. It ends when
they are made. What comes back is what answers need; the network and the held-out forecasts are opened here, each after
its hash was checked.

The two processes are one program, and what passes between them goes through a pipe that nobody else can reach.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from data.sessions import Calendars
from data.store import PriceStore
from forecaster.bundle import Bundle
from forecaster.registry import Version
from service.loaded import Loaded, load_from
from service.ready import Ready
from service.schemas.models import ModelFacts, ModelName
from service.snapshot import Snapshot, build_snapshot, version_of

# Not -m: classes would pass as those of a module called __main__.
_COMMAND: Final = (sys.executable, "-c", "from service.building import main; main()")


class BuilderEnded(Exception):
    """The process that makes the answers ended before it had made them."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(
            f"the process that makes the answers ended with code {code}; -9 often means that memory ran out"
        )


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


class Builder:
    """Makes answers in another process."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._making = False

    def prepare(self) -> None:
        """Start the other process, which takes a while to be ready for an order."""
        if self._process is None:
            self._process = subprocess.Popen(_COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def make(self, order: Order, held: Loaded | None) -> Snapshot:
        """As the function of that name, but made elsewhere. Blocks.

        Args:
            order: what is to be made.
            held: the model, where it is loaded here already.

        Raises:
            BuilderEnded: the other process did not end well.
        """
        self.prepare()
        assert self._process is not None
        self._making = True
        with self._process as process:
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                with process.stdin as asked:
                    pickle.dump((order, held is None), asked)
                # As it comes: all of it at once would be another copy.
                sent = pickle.load(process.stdout)
            except (EOFError, OSError, pickle.UnpicklingError):
                process.kill()
                raise BuilderEnded(process.wait()) from None
            finally:
                self._process, self._making = None, False
        if isinstance(sent, tuple):
            raise _revived(*sent)
        return _received(sent, order, held)

    def stop(self) -> None:
        """End what is being made."""
        process = self._process
        if process is not None:
            process.kill()
            if not self._making:
                with process:  # which closes its pipes and waits for its end
                    pass


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

    logs.configure()
    try:
        order, with_model = pickle.load(sys.stdin.buffer)
    except EOFError:  # whoever might have ordered something has gone
        return
    try:
        told: object = _sent(make(order), with_model=with_model)
    except Exception as error:  # the other process knows what to say of it
        told = _flat(error)
    pickle.dump(told, sys.stdout.buffer)

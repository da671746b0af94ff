"""The answers of the champion before this one, ready to be served again at once.

Whoever goes back does so because what serves is wrong, and answers of thousands of symbols take seconds to make. They
are kept packed, which takes a tenth of the memory, and are of use as long as there are no newer prices.
"""

from __future__ import annotations

import io
import logging
import pickle
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass, fields, replace
from datetime import date
from threading import Thread
from typing import Any, Final

from data.errors import DataError
from data.sessions import Calendars
from forecaster.bundle import read_bundle
from forecaster.errors import ForecasterError
from forecaster.newest import SLICE
from forecaster.version import Version
from service.builder import Builder, BuilderEnded
from service.building import Order, Sent, failed, open_sent, received, told_of
from service.due import due_sessions
from service.memory import give_back
from service.snapshot import Facts, Snapshot, assembled

_log = logging.getLogger(__name__)

# Fast, and JSON of one kind shrinks to a fifth all the same.
_LEVEL: Final = 1

# Nobody waits for it: what serves has the processor first.
_NICENESS: Final = 10

# Packing takes a fraction of a second; making the answers anew takes longer than waiting for it.
_PATIENCE_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class _Kept:
    """A snapshot, packed, and what it was made from."""

    data_version: int
    calendars: Calendars
    due: Mapping[str, date | None]
    packed: bytes


class Standby:
    """One version's answers at a time."""

    def __init__(self) -> None:
        """Keeps nothing yet."""
        self._builder = Builder(niceness=_NICENESS)
        self._run_id: str | None = None
        self._coming: Future[_Kept | None] = Future()

    def keep(self, snapshot: Snapshot, threads: int) -> None:
        """Have a snapshot packed, which is done meanwhile.

        Args:
            snapshot: what served until now.
            threads: ONNX Runtime's.
        """
        coming = self._expect(snapshot.version)
        Thread(target=_settle, args=(coming, lambda: _pack(_parts(snapshot, threads))), daemon=True).start()

    def make(self, order: Order) -> None:
        """Have a version's answers made in a process of its own, and packed; that is done meanwhile, and has time.

        Args:
            order: what is to be made.
        """

        def made() -> _Kept:
            self._builder.begin((order, True))
            with closing(received(self._builder)) as parts:
                return _pack(parts)

        Thread(target=_settle, args=(self._expect(order.version), made), daemon=True).start()

    def stop(self) -> None:
        """End what is being made."""
        self._builder.stop()

    def is_of(self, version: Version) -> bool:
        """Whether it keeps a version's answers, or will."""
        return self._run_id == version.run_id

    def fits(self, snapshot: Snapshot) -> bool:
        """Whether it keeps answers from the same prices and calendars as a snapshot."""
        kept = self._coming.result() if self._coming.done() else None
        return kept is not None and _state(kept) == _state(snapshot)

    def take(self, order: Order, data_version: int | None) -> Snapshot | None:
        """The answers of a version, as if they were made now; None where others are kept, or older ones. Blocks.

        Args:
            order: what is wanted.
            data_version: the price table's newest.

        Raises:
            BundleError: the bundle is not whole any more.
        """
        if not self.is_of(order.version):
            return None
        try:
            kept = self._coming.result(_PATIENCE_SECONDS)
        except TimeoutError:
            return None
        if kept is None or (kept.data_version, kept.calendars) != (data_version, order.calendars):
            return None
        if kept.due != due_sessions(kept.due, order.calendars, order.now):
            return None
        parts = _unpacked(kept.packed)
        sent = next(parts)
        # What answers are made from must be whole on disk, too: the next start would find it there.
        manifest = read_bundle(order.path).manifest
        if sent.manifest != {name: value for name, value in manifest.items() if name != "diagnostics"}:
            return None
        return assembled(replace(open_sent(sent), version=order.version), told_of(parts))

    def _expect(self, version: Version) -> Future[_Kept | None]:
        self._builder.stop()
        self._run_id, self._coming = version.run_id, Future()
        return self._coming


def _state(made: _Kept | Snapshot) -> tuple[object, ...]:
    return made.data_version, made.calendars, made.due


def _settle(coming: Future[_Kept | None], work: Callable[[], _Kept]) -> None:
    """Do what gives the answers; where that fails there are none, and going back takes longer."""
    try:
        coming.set_result(work())
    except (DataError, ForecasterError, BuilderEnded) as error:
        _log.debug("no answers stand by: %s", error)
        coming.set_result(None)
    except BaseException:
        coming.set_result(None)
        raise
    finally:
        give_back()


def _parts(snapshot: Snapshot, threads: int) -> Iterator[object]:
    """What the process that makes answers would have sent."""
    loaded = snapshot.loaded
    order = Order(loaded.version, loaded.bundle.path, threads, "", snapshot.calendars, snapshot.built_at)
    yield Sent(order, loaded.name, loaded.facts, loaded.bundle.manifest, loaded.figures)
    some: list[tuple[str, object]] = [(symbol, failed(error)) for symbol, error in snapshot.refusals.items()]
    for symbol, ready in snapshot.forecasts.items():
        some.append((symbol, ready.body))
        if len(some) >= SLICE:
            yield some
            some = []
    yield some
    known = {part.name: getattr(snapshot, part.name) for part in fields(Facts) if part.name != "symbols"}
    yield Facts(**known, symbols=snapshot.symbols.body)


def _pack(parts: Iterable[object]) -> _Kept:
    facts: Facts | None = None
    packer = zlib.compressobj(_LEVEL)
    packed = bytearray()
    for part in parts:
        if isinstance(part, Facts):
            facts = part
        packed += packer.compress(pickle.dumps(part))
    packed += packer.flush()
    assert facts is not None
    return _Kept(facts.data_version, facts.calendars, facts.due, bytes(packed))


def _unpacked(packed: bytes) -> Iterator[Any]:
    """The parts again. They were packed by this process, and nobody else could reach them."""
    with io.BytesIO(zlib.decompress(packed)) as stream:
        while True:
            try:
                yield pickle.load(stream)
            except EOFError:
                return

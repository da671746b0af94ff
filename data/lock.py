"""One writer at a time.

The lock is the kernel's, on an open file: it ends with the process that holds it, however that ends, so a crash
leaves nothing to clear away. Readers need none. It holds within one machine; between machines that write to one
object store, Delta's own commits refuse the later of two that clash.
"""

from __future__ import annotations

import hashlib
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from data.delta import store_error
from data.errors import StoreBusy
from data.holder import holder, sign


class WriterLock:
    """The right to write to a store. While this object holds it, it may take it again, in any thread."""

    def __init__(self, uri: str) -> None:
        """Takes nothing yet.

        Args:
            uri: the store's folder, or an object-store URI.
        """
        self._uri = uri
        remote = Path(tempfile.gettempdir()) / f"stock-forecaster-{hashlib.sha256(uri.encode()).hexdigest()[:16]}"
        self._folder = remote if "://" in uri else Path(uri)
        # A soft lock, which filelock would fall back to, outlives its holder.
        self._lock = FileLock(self._folder / ".writer.lock", thread_local=False, fallback_to_soft=False)
        # filelock counts its holders without a lock of its own: two threads could both find that they are the first.
        self._counting = threading.Lock()
        self._holders = 0

    @contextmanager
    def held(self, wait: float = 0) -> Iterator[None]:
        """Within, nobody else writes.

        Args:
            wait: seconds to wait for another writer.

        Raises:
            StoreBusy: another process, or another `WriterLock` of this one, is still writing after that.
            StoreFull, StoreUnavailable: the folder cannot be made or locked.
        """
        with self._counting:
            if not self._holders:
                self._take(wait)
            self._holders += 1
        try:
            yield
        finally:
            with self._counting:
                self._holders -= 1
                if not self._holders:
                    self._lock.release()

    def _take(self, wait: float) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=max(wait, 0))
        except Timeout:
            raise StoreBusy(self._uri, holder(self._signature)) from None
        except OSError as error:
            raise store_error(self._uri, error) from error
        sign(self._signature)

    @property
    def _signature(self) -> Path:
        return self._folder / ".writer.json"

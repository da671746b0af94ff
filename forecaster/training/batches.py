"""Batches of windows, cut and scaled one ahead of the one that is being learnt from."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from data.windows import Index, Windows

Float32 = np.ndarray[Any, np.dtype[np.float32]]
Positions = np.ndarray[Any, np.dtype[np.int32]]


@dataclass(frozen=True, slots=True)
class Batches:
    """Some windows in batches.

    Attributes:
        windows: all windows.
        index: `(n,)`, the positions of those meant.
        size: windows in a batch; the last may be smaller.
    """

    windows: Windows
    index: Index
    size: int

    def __len__(self) -> int:
        """How many batches."""
        return -(-len(self.index) // self.size)

    def ahead(self, order: Positions | None = None, start: int = 0) -> Iterator[tuple[Float32, Float32]]:
        """Inputs `(n, lookback, features)` and targets `(n, horizon, 2)` of each batch from a place on.

        Args:
            order: `(n,)` positions in `index`, where it is not its own order that counts.
            start: the first place.
        """

        def batch(place: int) -> tuple[Float32, Float32]:
            part = slice(place * self.size, (place + 1) * self.size)
            positions = self.index[part] if order is None else self.index[order[part]]
            return self.windows.inputs(positions), self.windows.targets(positions)

        with ThreadPoolExecutor(1) as worker:
            coming: deque[Future[tuple[Float32, Float32]]] = deque()
            for place in range(start, len(self)):
                coming.append(worker.submit(batch, place))
                if len(coming) > 1:
                    yield coming.popleft().result()
            if coming:
                yield coming.popleft().result()

"""What clients saw while models and prices changed under them, and whether any of it cannot be."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

# "MODEL.DATA.HASH", as the service makes its validators.
_TAG: Final = re.compile(rb'\r\netag: "((\d+)\.(\d+)\.[^"]+)"')
_LENGTH: Final = re.compile(rb"\r\ncontent-length: (\d+)\r")

State = tuple[int, int]
"""The model's version, and that of the prices."""


@dataclass(frozen=True, slots=True)
class Change:
    """One step of what is served.

    Attributes:
        begun: when it was ordered; it may be seen from now on.
        settled: when it was known to be in effect; what was before it may not be seen in answers asked for from now on.
        state: what is served after it.
    """

    begun: float
    settled: float
    state: State


@dataclass(slots=True)
class Seen:
    """What came back.

    Attributes:
        answers: by connection: when it was asked, when the answer was whole, and what it was made of.
        status: how many answers had each status; 0 stands for a connection that ended without one.
        faults: what cannot be, by kind.
    """

    answers: dict[int, list[tuple[float, float, State]]] = field(default_factory=dict)
    status: Counter[int] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    _bodies: dict[tuple[bytes, bytes], bytes] = field(default_factory=dict)
    _tags: dict[tuple[bytes, bytes], bytes] = field(default_factory=dict)

    def take(self, connection: int, asked: bytes, sent: float, received: float, head: bytes, body: bytes) -> None:
        """Keep an answer with 200, and hold it against those before."""
        found, length = _TAG.search(head), _LENGTH.search(head)
        if found is None or length is None or int(length[1]) != len(body):
            self.faults["not whole"] += 1
            return
        tag, state = found[1], (int(found[2]), int(found[3]))
        self.answers.setdefault(connection, []).append((sent, received, state))
        hashed = hashlib.blake2b(body, digest_size=16).digest()
        known = self._bodies.get((asked, tag))
        if known is None:
            self._bodies[asked, tag] = hashed
            self._read(body, state)
            if self._tags.setdefault((asked, hashed), tag).split(b".")[2] != tag.split(b".")[2]:
                self.faults["one content, two validators"] += 1
        elif known != hashed:
            self.faults["one validator, two contents"] += 1

    def _read(self, body: bytes, state: State) -> None:
        try:
            named = json.loads(body)["model"]["version"]
        except (ValueError, KeyError):
            self.faults["not whole"] += 1
            return
        if named != str(state[0]):
            self.faults["names another version than its validator"] += 1

    def contents(self) -> int:
        """How many different answers came."""
        return len(self._bodies)

    def out_of_order(self, changes: Sequence[Change]) -> int:
        """Answers that nothing served at their time, or that went back on their connection.

        Args:
            changes: all that happened, in order, the first being what was served at the beginning.
        """
        wrong = 0
        for answers in self.answers.values():
            at = 0
            for sent, received, state in answers:
                place = next((i for i in range(at, len(changes)) if _possible(changes, i, sent, received, state)), None)
                if place is None:
                    wrong += 1
                else:
                    at = place
        return wrong


def _possible(changes: Sequence[Change], place: int, sent: float, received: float, state: State) -> bool:
    change = changes[place]
    ended = changes[place + 1].settled if place + 1 < len(changes) else float("inf")
    return change.state == state and change.begun <= received and sent <= ended

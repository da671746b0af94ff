"""What is refused because it is too much."""

from __future__ import annotations


class BodyTooLarge(Exception):
    """A body has more bytes than the service takes."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"expected a body of at most {limit} bytes; ask for less at a time")


class TooMuchWork(Exception):
    """As many answers are being worked out, and wait for it, as one process takes."""

    def __init__(self, at_a_time: int) -> None:
        self.at_a_time = at_a_time
        super().__init__("too many answers are being worked out at the moment; ask again in a moment")


class TookTooLong(Exception):
    """An answer was not ready in time."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(f"the answer was not ready within {seconds:g} s; ask for less at a time, or again later")

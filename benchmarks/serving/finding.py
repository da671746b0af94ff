"""One figure beside its limit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """What was measured.

    Attributes:
        part: of the benchmark.
        what: in words, with the unit.
        value: the figure.
        limit: what it may be at most; None where it is told beside others.
        at_least: the limit is the least that it may be.
    """

    part: str
    what: str
    value: float
    limit: float | None = None
    at_least: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the figure keeps to its limit; None without one, and not met where nothing was measured."""
        if self.limit is None:
            return None
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def line(self) -> str:
        """As it is printed."""
        told = "" if self.limit is None else f"{'at least' if self.at_least else 'at most'} {self.limit:g}: "
        met = {None: "", True: "met", False: "NOT met"}[self.met]
        return f"  {self.part:11} {self.what:58} {self.value:10.2f}   {told}{met}".rstrip()

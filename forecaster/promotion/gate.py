"""The gate: from evidence to a decision. Nothing is read here, and no clock is asked.

A challenger has to beat the champion by more than chance and by enough to matter, and must not be worse than the last
close. What is not known counts as not shown. Without a champion there is nothing to beat: all else together is enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from forecaster.promotion.evidence import Compared, Covered, Evidence
from forecaster.promotion.thresholds import Thresholds


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that the evidence had to show.

    Attributes:
        name: of the check, for programs.
        passed: whether the evidence shows it.
        text: what was seen and what was asked for, in one sentence.
    """

    name: str
    passed: bool
    text: str


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a challenger becomes the champion.

    Attributes:
        promote: it does.
        checks: all of them, those that failed and those that did not.
    """

    promote: bool
    checks: tuple[Check, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why not; where it does, everything that speaks for it."""
        return tuple(one.text for one in self.checks if one.passed is self.promote)


def decide(evidence: Evidence, thresholds: Thresholds) -> Decision:
    """Whether the challenger becomes the champion.

    Args:
        evidence: what is known.
        thresholds: what it has to show.
    """
    checks = tuple(_checks(evidence, thresholds))
    return Decision(all(one.passed for one in checks), checks)


def to_dict(decision: Decision) -> dict[str, Any]:
    """JSON-ready values; `from_dict` reads them back."""
    return {"promote": decision.promote, "checks": [asdict(one) for one in decision.checks]}


def from_dict(values: Mapping[str, Any]) -> Decision:
    """The decision that `to_dict` wrote. Raises KeyError or TypeError where it did not."""
    return Decision(values["promote"], tuple(Check(**one) for one in values["checks"]))


def _checks(seen: Evidence, wanted: Thresholds) -> Iterator[Check]:
    sessions = seen.span.sessions if seen.span is not None else 0
    yield Check(
        "sessions",
        sessions >= wanted.sessions,
        f"judged on {sessions} sessions that neither version had seen; {wanted.sessions} are needed",
    )
    if seen.champion is not None:
        yield _beats(seen.champion, seen.versus_champion, wanted)
    yield _not_worse(seen.versus_naive, wanted)
    yield _covers(seen.coverage, wanted)
    yield _clean(seen.leaks)
    yield Check(
        "parity",
        seen.parity <= wanted.parity,
        f"the exported network differs from the trained one by {seen.parity:.1e}; {wanted.parity:.0e} is allowed",
    )
    yield Check(
        "size",
        seen.mebibytes <= wanted.mebibytes,
        f"its bundle takes {seen.mebibytes:.1f} MiB; {wanted.mebibytes:g} are allowed",
    )
    yield Check(
        "latency",
        seen.latency <= wanted.latency,
        f"one forecast takes {seen.latency:.1f} ms; {wanted.latency:g} are allowed",
    )
    yield Check(
        "not_rolled_back",
        not seen.rolled_back,
        "somebody went back from this version before" if seen.rolled_back else "nobody went back from this version",
    )


def _beats(champion: str, seen: Compared | None, wanted: Thresholds) -> Check:
    asked = f"at most {1 - wanted.effect:.4g} is needed, with p at most {wanted.significance:g}"
    if seen is None or seen.ratio is None or seen.p_value is None:
        return Check("champion", False, f"its loss by that of version {champion} is not known; {asked}")
    passed = seen.ratio <= 1 - wanted.effect and seen.p_value <= wanted.significance
    text = f"its loss is {seen.ratio:.4f} times that of version {champion} (p = {seen.p_value:.2g}); {asked}"
    return Check("champion", passed, text)


def _not_worse(seen: Compared | None, wanted: Thresholds) -> Check:
    asked = f"at most {1 + wanted.naive_margin:.4g} is needed"
    if seen is None or seen.ratio is None:
        return Check("naive", False, f"its loss by that of yesterday's close is not known; {asked}")
    text = f"its loss is {seen.ratio:.4f} times that of yesterday's close; {asked}"
    return Check("naive", seen.ratio <= 1 + wanted.naive_margin, text)


def _covers(seen: Covered | None, wanted: Thresholds) -> Check:
    if seen is None:
        return Check("coverage", False, "how often its interval holds is not known")
    # A share is told to a ten-thousandth: a difference of two of them must not fail for its last bit.
    off = round(abs(seen.observed - seen.promised), 9)
    text = (
        f"its {seen.promised:.0%} interval held {seen.observed:.1%} of the closes; "
        f"{wanted.coverage:.1%} more or fewer are allowed"
    )
    return Check("coverage", off <= wanted.coverage, text)


def _clean(leaks: int | None) -> Check:
    if leaks is None:
        return Check("leakcheck", False, "it was not checked for leaks from the future")
    found = "nothing of the future reaches it" if not leaks else f"the future reaches it in {leaks} places"
    return Check("leakcheck", not leaks, found)

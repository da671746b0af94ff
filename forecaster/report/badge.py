"""A verdict's code as a small label. Its sign is beside the colour, so that nobody needs to tell colours apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from forecaster.diagnostics.verdict import VerdictCode

_SIGNS: Final = {
    VerdictCode.BEATS_NAIVE: "▲",
    VerdictCode.NO_BETTER_THAN_NAIVE: "=",
    VerdictCode.WORSE_THAN_NAIVE: "▼",
    VerdictCode.ECHOES_YESTERDAY: "↻",
    VerdictCode.OVERCONFIDENT: "!",
    VerdictCode.BIASED: "≠",
    VerdictCode.STALE: "○",
    VerdictCode.INSUFFICIENT_DATA: "?",
}


def badge(code: VerdictCode, *, beside: bool = False) -> str:
    """The label of a code.

    Args:
        code: which.
        beside: the code holds beside the head: an outline only.
    """
    css = f"badge {code.value} beside" if beside else f"badge {code.value}"
    return (
        f"<span class='{css}' title='{code.value}'><span aria-hidden='true'>{_SIGNS[code]}</span> {words(code)}</span>"
    )


def badges(codes: Sequence[VerdictCode]) -> str:
    """The labels of a verdict, the head first."""
    return "".join(badge(code, beside=position > 0) for position, code in enumerate(codes))


def words(code: VerdictCode) -> str:
    """A code as words."""
    return code.value.replace("_", " ")

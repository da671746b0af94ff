"""Numbers as a sentence shows them."""

from __future__ import annotations


def p_value(p: float) -> str:
    """A p-value, never as zero: `p = 0.68`, `p = 0.031`, `p < 0.001`."""
    if p < 0.001:
        return "p < 0.001"
    # A third digit where it decides: 0.0496 and 0.0504 would both read 0.05.
    return f"p = {p:.2f}" if p >= 0.1 else f"p = {p:.3f}"


def p_cell(p: float) -> str:
    """A p-value under a heading that says what it is: `0.68`, `0.031`, `< 0.001`."""
    return p_value(p).removeprefix("p ").removeprefix("= ")


def percent(share: float) -> str:
    """A positive share in percent, never as zero: `34 %`, `3.4 %`, `less than 0.1 %`."""
    if share < 0.001:
        return "less than 0.1 %"
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.1f} %"


def sessions(n: int) -> str:
    """A count of sessions: `1 session`, `250 sessions`."""
    return "1 session" if n == 1 else f"{n} sessions"


def share(value: float) -> str:
    """A share of sessions in percent, to a tenth: `90 %`, `82.4 %`."""
    return f"{round(100.0 * value, 1):g} %"

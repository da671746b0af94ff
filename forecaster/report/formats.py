"""Numbers as the page shows them: with a real minus sign, and no more digits than can be meant."""

from __future__ import annotations

from typing import Final

MINUS: Final = "\N{MINUS SIGN}"


def decimal(value: float, digits: int) -> str:
    """A number with that many decimals; what rounds to zero has no sign."""
    return f"{value:z,.{digits}f}".replace("-", MINUS)


def price(value: float) -> str:
    """A price, or a difference of prices, with about four digits."""
    size = abs(value)
    if size >= 1000.0:
        return decimal(value, 0)
    return decimal(value, 2) if size >= 1.0 or size == 0.0 else f"{value:.4g}".replace("-", MINUS)


def signed_price(value: float) -> str:
    """A difference of prices that shows its sign, also above zero."""
    return f"+{price(value)}" if value > 0.0 else price(value)


def percentage(share: float, digits: int = 1) -> str:
    """A share in percent."""
    return f"{decimal(100.0 * share, digits)} %"

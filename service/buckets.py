"""Token buckets for many callers, in a table that cannot grow. Knows no HTTP.

A bucket is kept as the one moment at which it will be full again: what is missing is the time until then, and a bucket
that nobody has taken from need not be kept at all.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final

# About 2 MB of addresses. Beyond it the caller that was seen the longest ago is forgotten, and starts anew.
CALLERS: Final = 10_000

# Who has one IPv6 address has as many as it likes: the network that it was given is what counts.
_IPV6_NETWORK: Final = 64


class TooManyRequests(Exception):
    """A caller has spent what it may ask in a minute."""

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        super().__init__(f"{per_minute} requests a minute are allowed, and they are spent; ask again in a moment")


class TooManyWrongKeys(Exception):
    """Too many wrong keys came from one address."""

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        super().__init__("too many wrong keys came from this address; ask again in a moment, with the right one")


class Buckets:
    """A bucket for each caller: it holds a minute's worth and fills evenly."""

    def __init__(self, per_minute: int, *, callers: int = CALLERS) -> None:
        """All full.

        Args:
            per_minute: how much a bucket holds, and how much flows in within a minute.
            callers: how many are told apart at most.
        """
        self.per_minute = per_minute
        self._seconds = 60 / per_minute
        self._callers = callers
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, caller: str, now: float) -> float | None:
        """Take one from a caller's bucket.

        Args:
            caller: whose.
            now: seconds of a clock that never goes back.

        Returns:
            None where there was one, else the seconds until there will be.
        """
        full_at = max(self._full_at.get(caller, now), now) + self._seconds
        # Rounding alone must not cost the last of a minute's worth.
        missing = full_at - now - 60
        if missing > self._seconds * 1e-6:
            self._full_at.move_to_end(caller)
            return missing
        self._full_at[caller] = full_at
        self._full_at.move_to_end(caller)
        if len(self._full_at) > self._callers:
            self._full_at.popitem(last=False)
        return None


def address_of(scope: Mapping[str, Any]) -> str:
    """Where a request comes from; of an IPv6 address its network. Empty where the server does not know."""
    client = scope.get("client")
    if not client:
        return ""
    host: str = client[0]
    if ":" not in host:
        return host
    try:
        address = ipaddress.IPv6Address(host.partition("%")[0])
    except ValueError:
        return host[:64]
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((address, _IPV6_NETWORK), strict=False))

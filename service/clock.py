"""The present, as the service takes it unless it is told otherwise."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The present, with a time zone."""
    return datetime.now(UTC)

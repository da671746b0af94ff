"""Logs: one line a record, as key=value pairs that people can read and tools can parse."""

from __future__ import annotations

import json
import logging
import sys
import time
from contextvars import ContextVar
from typing import Final

request_id: Final[ContextVar[str]] = ContextVar("request_id", default="")
"""Of the request that is being answered; the answer carries it as X-Request-ID."""


class OneLine(logging.Formatter):
    """`time=… level=… logger=… request=… message="…"`, with `trace="…"` of an exception; quoted values are JSON.

    A record's `facts` (`extra={"facts": {…}}`) follow as pairs of their own.
    """

    @staticmethod
    def converter(seconds: float | None) -> time.struct_time:
        """Times in UTC."""
        return time.gmtime(seconds)

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line, whatever its message holds."""
        pairs = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%SZ"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        if request := request_id.get():
            pairs["request"] = request
        pairs["message"] = json.dumps(record.getMessage(), ensure_ascii=False)
        facts = getattr(record, "facts", {})
        pairs |= {name: json.dumps(value, ensure_ascii=False) for name, value in facts.items()}
        if record.exc_info:
            pairs["trace"] = json.dumps(self.formatException(record.exc_info), ensure_ascii=False)
        return " ".join(f"{key}={value}" for key, value in pairs.items())


def configure() -> None:
    """Send this process's logs to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("service").setLevel(logging.INFO)

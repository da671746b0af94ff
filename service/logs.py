"""Logs: one line a record, as key=value pairs that people can read and tools can parse."""

from __future__ import annotations

import json
import logging
import sys
import time


class OneLine(logging.Formatter):
    """`time=… level=… logger=… message="…"`, with `trace="…"` of an exception; quoted values are JSON."""

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
            "message": json.dumps(record.getMessage(), ensure_ascii=False),
        }
        if record.exc_info:
            pairs["trace"] = json.dumps(self.formatException(record.exc_info), ensure_ascii=False)
        return " ".join(f"{key}={value}" for key, value in pairs.items())


def configure(*, access_log: bool) -> None:
    """Send this process's logs to standard error.

    Args:
        access_log: whether to write a line for each request, too.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("service").setLevel(logging.INFO)
    if access_log:
        logging.getLogger("uvicorn.access").setLevel(logging.INFO)

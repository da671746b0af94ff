"""Who holds a lock, written down beside it for the message to others."""

from __future__ import annotations

import json
import os
import socket
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path


def sign(file: Path) -> None:
    """Say that this process holds it; a disk without room for that is no reason not to work."""
    since = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    with suppress(OSError):
        text = json.dumps({"process": os.getpid(), "host": socket.gethostname(), "since": since})
        file.write_text(text, encoding="utf-8")


def holder(file: Path) -> str:
    """Who said so last; empty where that cannot be read."""
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
        return f"process {known['process']} on {known['host']} since {known['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return ""

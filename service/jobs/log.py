"""What the log of a job tells. It is text for people: where it says something else, less is known of the job."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from service.jobs.record import Progress

LINES: Final = 40
_LONGEST: Final = 400
_READ_BYTES: Final = 1 << 16

_EPOCH: Final = re.compile(r"epoch (\d+) of at most (\d+)")
_VERSION: Final = re.compile(r"^\S+ version (\d+) is now the (\w+)$")
_ERROR: Final = "error: "

# Tables of results are wide and as long as there are symbols; the diagnostics are asked for elsewhere.
_TABLE: Final = re.compile(r"^[\u2500-\u257f]|^held-out span, ")

_REST: Final = r"[^\s'\",;:()]*"

# What looks like an address, a path of any system, or a key; windows/s is none.
_INSIDE: Final = (
    re.compile(r"\b[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE),
    re.compile(r"\bforecaster_[A-Za-z0-9_-]{20,}"),
    re.compile(r"(?<![\w.])~?/[^\s'\",;:()]+"),
    re.compile(r"(?<![\w/])(?:\.{1,2}|[\w.-]+)(?:/[\w.-]+){2,}"),
    re.compile(r"\b[A-Za-z]:\\[^\s'\",;()]+"),
)


class Log:
    """The end of a log."""

    def __init__(self, path: Path) -> None:
        """Read it; nothing where there is none.

        Args:
            path: of the file, in the folder of the jobs under FORECASTER_HOME.
        """
        try:
            with path.open("rb") as file:
                file.seek(max(0, file.seek(0, 2) - _READ_BYTES))
                text = file.read(_READ_BYTES).decode("utf-8", "replace")
        except OSError:
            text = ""
        # The home first, whose name may hold what ends a path elsewhere.
        text = re.sub(re.escape(str(path.parent.parent)) + _REST, "…", text)
        self._lines = [line.rstrip() for line in text.splitlines() if line.strip()]

    @property
    def tail(self) -> list[str]:
        """The last lines, without tables, paths and addresses."""
        kept = [line for line in self._lines if not _TABLE.match(line)]
        return [without_paths(line)[:_LONGEST] for line in kept[-LINES:]]

    @property
    def last(self) -> str:
        """The last line of these; empty where there is none."""
        return self.tail[-1] if self.tail else ""

    @property
    def progress(self) -> Progress | None:
        """The epoch that was told last."""
        for line in reversed(self._lines):
            if found := _EPOCH.search(line):
                return Progress(epoch=int(found[1]), of=int(found[2]))
        return None

    @property
    def registered(self) -> tuple[str, str] | None:
        """The version that was registered, and its alias."""
        for line in reversed(self._lines):
            if found := _VERSION.match(line):
                return found[1], found[2]
        return None

    @property
    def error(self) -> str | None:
        """Why the training ended, as it says itself."""
        for line in reversed(self._lines):
            if line.startswith(_ERROR):
                return without_paths(line.removeprefix(_ERROR))[:_LONGEST]
        return None


def without_paths(text: str) -> str:
    """The text with an ellipsis for every path, address and key."""
    for one in _INSIDE:
        text = one.sub("…", text)
    return text

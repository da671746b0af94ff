"""How the processes of a pass talk: a JSON document a line, over pipes; what libraries print stays out of it."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Mapping
from typing import Any

from forecaster.settings import Settings


def settings_to_dict(where: Settings) -> dict[str, Any]:
    """JSON-ready values with the token in the clear: for a pipe, never for a file or a command line."""
    values = where.model_dump(mode="json", include=set(Settings.model_fields))
    return {**values, "tushare_token": where.tushare_token.get_secret_value()}


def settings_from_dict(values: Mapping[str, Any]) -> Settings:
    """The settings that `settings_to_dict` wrote, whatever the environment says."""
    return Settings(**values)


class Told:
    """The process's own standard output, for documents alone: all else that is printed goes to standard error."""

    def __init__(self) -> None:
        """Takes it; once a process."""
        sys.stdout.flush()
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
        self._turn = threading.Lock()

    def send(self, document: Mapping[str, Any]) -> None:
        """One document. That nobody listens any more is noticed by other means."""
        with self._turn:
            self._out.write(json.dumps(document) + "\n")
            self._out.flush()

    def say(self, line: str) -> None:
        """What goes on, for people."""
        self.send({"say": line})

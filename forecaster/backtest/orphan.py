"""A process that ends when the one that started it is no more.

joblib's processes outlive a parent that is killed: they finish their task, hold their memory for minutes, and would
meanwhile work beside those of the same command given again.
"""

from __future__ import annotations

import os
import threading
import time
from typing import Final

_LOOK_SECONDS: Final = 1.0
_guards: dict[int, threading.Thread] = {}


def end_with(parent: int) -> None:
    """End this process, whatever it is at, soon after its parent; nothing where `parent` is not its parent."""
    if os.getppid() != parent or parent in _guards:
        return
    _guards[parent] = threading.Thread(target=_watch, args=(parent,), daemon=True)
    _guards[parent].start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_SECONDS)
    os._exit(1)

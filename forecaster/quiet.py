"""Keeps tensorflow's own chatter off the terminal.

Its native code writes to the file descriptor, past every Python setting, before logging is set up. The text is not
thrown away: it is printed when the work inside fails in a way that nobody foresaw.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def native_stderr_withheld(*foreseen: type[Exception]) -> Iterator[None]:
    """Send file descriptor 2 to a file; `sys.stderr` still reaches the terminal.

    Args:
        *foreseen: errors that explain themselves, so that the withheld text stays withheld.
    """
    real = os.dup(2)
    python_stderr = sys.stderr
    with tempfile.TemporaryFile() as withheld, os.fdopen(real, "w", encoding="utf-8", buffering=1) as terminal:
        os.dup2(withheld.fileno(), 2)
        sys.stderr = terminal
        explained = False
        try:
            yield
            explained = True
        except foreseen:
            explained = True
            raise
        finally:
            os.dup2(real, 2)
            sys.stderr = python_stderr
            if not explained:
                withheld.seek(0)
                os.write(2, withheld.read())

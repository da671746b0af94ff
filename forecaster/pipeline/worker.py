"""The process that performs the steps of a pass, one after the other, as it is told.

Started as `python -m forecaster.pipeline.worker`, in a session of its own. The first line of its standard input holds
the settings, and it answers that it listens; each further one holds a step and the record so far, and is answered with
how the step ended. Where its input ends while it works, whoever supervises it is gone: it ends at once, with all that
it has started.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
from typing import Any

from forecaster.pipeline.wire import Told, settings_from_dict


class _Listener:
    """Hears orders while a step is performed, and that nobody gives any more."""

    def __init__(self) -> None:
        self.orders: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.busy = threading.Event()
        self.busy.set()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for line in sys.stdin:
            self.busy.set()
            self.orders.put(json.loads(line))
        if self.busy.is_set():
            os.killpg(os.getpgrp(), signal.SIGKILL)
        self.orders.put(None)


def _main() -> None:
    told, listener = Told(), _Listener()
    given = listener.orders.get()
    if given is None:
        return
    # These take seconds, in which it is already heard that the supervisor has gone.
    from data.clock import SystemClock
    from forecaster.pipeline.performing import Here
    from forecaster.pipeline.record import Pass
    from forecaster.pipeline.training import in_own_process

    here = Here(settings_from_dict(given), SystemClock(), in_own_process, told.say)
    listener.busy.clear()
    told.send({"ready": os.getpid()})
    while (order := listener.orders.get()) is not None:
        came = here.perform(order["step"], Pass.model_validate(order["record"]), None)
        listener.busy.clear()
        told.send({"state": came.state, "detail": came.detail, "evidence": came.evidence})


if __name__ == "__main__":
    try:
        _main()
    except BrokenPipeError:  # nobody supervises it any more, so there is nobody to tell
        os._exit(1)

"""The end of a server: nobody who got through to it is left without an answer.

Where a listening socket is closed, the kernel resets the connections that wait in its line, though their clients may
have sent their requests already. So new connections are kept out first, those in line are taken up, and then it closes.
Whoever is kept out is refused as soon as the socket is closed.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
import socket
import struct
import sys
import time
from collections.abc import Sequence
from typing import Final

from uvicorn import Server
from uvicorn.supervisors import Multiprocess

_log = logging.getLogger(__name__)

# To take up who stands in line; a process that answers as many requests as it takes is round in less.
_TAKING_UP_SECONDS: Final = 0.2

# Linux: <asm-generic/socket.h>, and a filter of one instruction, "return 0", which lets no packet through.
_ATTACH_FILTER: Final = 26
_LET_NOTHING_THROUGH: Final = struct.pack("HBBI", 0x06, 0, 0, 0)


def keep_out(listening: Sequence[socket.socket]) -> None:
    """Let no new connection in, in any process that shares the sockets. Only Linux can; elsewhere nothing happens."""
    if not sys.platform.startswith("linux"):
        return
    code = ctypes.create_string_buffer(_LET_NOTHING_THROUGH)
    program = struct.pack("HP", 1, ctypes.addressof(code))
    for one in listening:
        try:
            one.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, program)
        except OSError as error:
            _log.warning("new connections cannot be kept out, some may be reset: %s", error.strerror)


class EndingServer(Server):
    """One process."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take up who stands in line, then stop as uvicorn does."""
        keep_out(sockets or [])
        await asyncio.sleep(_TAKING_UP_SECONDS)
        await super().shutdown(sockets)


class EndingWorkers(Multiprocess):
    """Several processes that share the sockets."""

    def terminate_all(self) -> None:
        """Have the workers take up who stands in line, then stop them."""
        keep_out(self.sockets)
        time.sleep(_TAKING_UP_SECONDS)
        super().terminate_all()

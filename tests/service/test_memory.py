from __future__ import annotations

import platform
import subprocess
import sys
from typing import Final

import pytest

# Pieces of 2 MB, all freed but the last: with glibc's own ways that one keeps the room of the others.
_PROGRAM: Final = """
import sys
from pathlib import Path
from service.memory import keep_small

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20

if sys.argv[1] == "small":
    keep_small()
bytes(4 << 20)  # freed, after which glibc no longer lets go of pieces of that size
before = resident()
pieces = [bytearray(2_000_000) for _ in range(20)]
last = pieces[-1]
del pieces
print(resident() - before)
"""


def grown(how: str) -> float:
    done = subprocess.run([sys.executable, "-c", _PROGRAM, how], capture_output=True, text=True, check=True)
    return float(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other allocators have their own ways")
def test_what_is_freed_goes_back_at_once() -> None:
    assert grown("small") < 5
    assert grown("as it is") > 30

from __future__ import annotations

import subprocess
import sys

import pytest

_PROGRAM = """
import os, sys
from forecaster.quiet import native_stderr_withheld

try:
    with native_stderr_withheld(LookupError):
        os.write(2, b"chatter of native code\\n")
        print("progress", file=sys.stderr)
        {inside}
finally:
    os.write(2, b"native code afterwards\\n")
    print("the program afterwards", file=sys.stderr)
"""


def stderr_of(inside: str) -> list[str]:
    command = [sys.executable, "-c", _PROGRAM.format(inside=inside)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stderr.splitlines()


@pytest.mark.parametrize("inside", ["pass", "raise LookupError('foreseen')", "raise KeyError('foreseen, too')"])
def test_native_chatter_is_withheld_and_ours_is_not(inside: str) -> None:
    found = stderr_of(inside)
    assert found[:3] == ["progress", "native code afterwards", "the program afterwards"]
    assert "chatter of native code" not in found


@pytest.mark.parametrize("inside", ["raise RuntimeError('unforeseen')", "raise KeyboardInterrupt"])
def test_after_an_unforeseen_failure_the_chatter_is_printed(inside: str) -> None:
    found = stderr_of(inside)
    assert found[:2] == ["progress", "chatter of native code"]
    assert found[2:4] == ["native code afterwards", "the program afterwards"]

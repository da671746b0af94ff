"""Commands as processes that are forked from one that has imported everything and touched nothing.

A command's own time is milliseconds, and importing what it needs takes seconds in which there is nothing to break. What
such a process then does is what `forecaster` does, in a session and with an environment of its own.

Started as `python -m benchmarks.killing.nursery`: each line of its standard input is an order, answered with the number
of the process and, when that has ended, with how.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

_IMPORTED: Final = (
    "data.providers.tushare.provider",
    "forecaster.cli.fetch",
    "forecaster.cli.models",
    "forecaster.cli.publish",
    "forecaster.promotion.weighing",
    "forecaster.registry",
    "mlflow.store.model_registry.sqlalchemy_store",
    "mlflow.store.tracking.sqlalchemy_store",
    "benchmarks.killing.registers",
)


class Nursery:
    """The process that the commands are forked from."""

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        """Started, and importing.

        Args:
            environment: of a command.
            folder: where to be.
        """
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            env=environment,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def begin(
        self, command: Sequence[str], environment: Mapping[str, str], folder: Path, out: Path, err: Path
    ) -> Forked:
        """A command that begins now; one at a time.

        Args:
            command: Python, "-m", a module, and its arguments.
            environment, folder: the command's.
            out, err: where it prints to.
        """
        order = {
            "module": command[2],
            "arguments": list(command[3:]),
            "environment": dict(environment),
            "folder": str(folder),
            "out": str(out),
            "err": str(err),
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return Forked(self._process.stdout.fileno())

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


class Forked:
    """A process that the nursery has begun, as `subprocess.Popen` shows one."""

    def __init__(self, told: int) -> None:
        """Made by `Nursery.begin`."""
        self.returncode: int | None = None
        self._told, self._line = told, b""
        while not self._line.endswith(b"\n"):
            self._line += os.read(told, 1)
        self.pid, self._line = int(self._line), b""

    def poll(self) -> int | None:
        """How it ended; None while it runs."""
        if self.returncode is None:
            os.set_blocking(self._told, False)
            try:
                self._read()
            finally:
                os.set_blocking(self._told, True)
        return self.returncode

    def wait(self) -> int:
        """How it ended."""
        while self.returncode is None:
            self._read()
        return self.returncode

    def _read(self) -> None:
        try:
            self._line += os.read(self._told, 64)
        except BlockingIOError:
            return
        if self._line.endswith(b"\n"):
            self.returncode = int(self._line)


def _main() -> None:
    for name in _IMPORTED:
        importlib.import_module(name)
    told = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if not pid:
            _become(order)
            _end(order["module"])
        print(pid, file=told, flush=True)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), file=told, flush=True)


def _become(order: Mapping[str, Any]) -> None:
    """Be the command that is about to begin."""
    os.setsid()
    os.chdir(order["folder"])
    for number, name in ((0, os.devnull), (1, order["out"]), (2, order["err"])):
        file = os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(order["environment"])
    tempfile.tempdir = None
    importlib.import_module("sitecustomize").show(order["environment"]["KILLS_NOW"])
    sys.argv = [order["module"], *order["arguments"]]


def _end(module: str) -> NoReturn:
    """Do it, and end without the clearing away of libraries, some of which wait for threads that no fork has."""
    code: str | int | None = 1
    try:
        importlib.import_module(module).main()
        code = 0
    except SystemExit as ended:
        code = ended.code
    except BaseException:
        traceback.print_exc()
    if isinstance(code, str):
        print(code, file=sys.stderr)
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code or 0)


if __name__ == "__main__":
    _main()

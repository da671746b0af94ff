"""A real PostgreSQL on this machine, for one test module."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# What a password may hold that files and addresses have other uses for.
PASSWORD = r"co:lon \back 'quote' @%"


def programs() -> Path | None:
    """The folder of PostgreSQL's programs; Debian keeps them out of the PATH."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    return max(Path("/usr/lib/postgresql").glob("*/bin"), default=None, key=lambda one: int(one.parent.name))


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@dataclass(frozen=True, slots=True)
class Database:
    """A server with the database and the role `mlflow`."""

    bin: Path
    folder: Path
    port: int

    def run(self, program: str, *arguments: str) -> None:
        # It refuses to run as root, which tests in a container are.
        user = "nobody" if os.geteuid() == 0 else None
        subprocess.run(
            [str(self.bin / program), *arguments],
            user=user,
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "PGPASSWORD": PASSWORD, "LC_ALL": "C"},
            check=True,
            stdout=subprocess.DEVNULL,
        )

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder} -c fsync=off"
        self.run("pg_ctl", "-D", f"{self.folder}/data", "-w", "-o", options, "-l", f"{self.folder}/log", "start")

    def stop(self) -> None:
        self.run("pg_ctl", "-D", f"{self.folder}/data", "-w", "-m", "immediate", "stop")


@contextmanager
def postgres(bin: Path) -> Iterator[Database]:
    # Not below pytest's own folder, which is closed to other users.
    with tempfile.TemporaryDirectory(prefix="postgres-") as name:
        folder = Path(name)
        password = folder / "password"
        password.write_text(f"{PASSWORD}\n", encoding="utf-8")
        if os.geteuid() == 0:
            shutil.chown(folder, "nobody")
            shutil.chown(password, "nobody")
        database = Database(bin, folder, free_port())
        database.run(
            "initdb",
            *("-D", f"{folder}/data", "-U", "mlflow", "--auth", "scram-sha-256", "--pwfile", str(password)),
            *("--no-sync", "--no-locale", "-E", "UTF8"),
        )
        database.start()
        try:
            database.run("createdb", "-h", "127.0.0.1", "-p", f"{database.port}", "-U", "mlflow", "mlflow")
            yield database
        finally:
            database.stop()

"""`forecaster serve`: the service as a process, or as several."""

from __future__ import annotations

import os
import signal
import socket
import tempfile
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any, Final

import click
from pydantic import ValidationError

from service.auth import MalformedKeys, configured_keys
from service.settings import ServiceSettings

# A registry that does not answer takes minutes to say so.
_PATIENCE_SECONDS: Final = 30

# Longer than the pauses of a page that looks for news, shorter than what balancers keep a connection for.
_KEEP_ALIVE_SECONDS: Final = 30

# What a row takes on disk, at least.
_BYTES_A_ROW: Final = 20

# Connections that wait to be taken up; a burst of them is no reason to lose one.
_BACKLOG: Final = 1024


@click.command(
    short_help="Answer over REST.",
    epilog="""\b
Examples:
  forecaster serve --open-read
  forecaster serve --host 0.0.0.0 --port 8080 --workers 2 --access-log
""",
)
@click.option("--host", help="Address to listen on; 0.0.0.0 answers other machines too.  [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="TCP port; 0 takes a free one.  [default: 8000]")
@click.option("--workers", type=click.IntRange(1, 256), help="Processes that answer.  [default: 1]")
@click.option("--open-read", is_flag=True, help="Let everybody read, without a key. Changes always need one.")
@click.option("--access-log", is_flag=True, help="Log every request.")
def serve(host: str | None, port: int | None, workers: int | None, open_read: bool, access_log: bool) -> None:
    """Answer over REST until stopped by Ctrl-C or SIGTERM.

    The champion's forecasts of all symbols are made once and served from memory. A new champion and new prices
    are noticed while it runs, so it may be started before there are any.

    Whoever asks needs a key, made by `forecaster keys new`, unless reading is open to everybody.
    """
    given: dict[str, Any] = {"host": host, "port": port, "workers": workers, "open_read": open_read or None}
    try:
        settings = ServiceSettings(**{name: value for name, value in given.items() if value is not None})
        keys = configured_keys(settings)
    except ValidationError as error:
        first = error.errors()[0]
        raise click.UsageError(
            f"setting {'.'.join(map(str, first['loc']))}: {first['msg']}, got {first['input']!r}"
        ) from None
    except MalformedKeys as error:
        raise click.UsageError(str(error)) from None
    if not keys.identities and not settings.open_read:
        click.echo(
            "no API key is configured and reading is not open, so that every question is answered with 401: "
            "make a key with `forecaster keys new`, or start with --open-read",
            err=True,
        )
    with _listen(settings) as listening:
        if settings.workers > 1:
            _supervise(settings, listening, access_log=access_log)
        else:
            _run(settings, listening, access_log=access_log)


def _listen(settings: ServiceSettings) -> socket.socket:
    """A socket on the address of the settings, bound before anything slow begins."""
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = found[0]
        bound = socket.socket(family, kind, protocol)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        raise click.ClickException(
            f"cannot listen on {settings.host} port {settings.port}: {error.strerror}; try another --port"
        ) from None
    return bound


def _address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}: dashboard at /, documentation at /docs"


def _run(settings: ServiceSettings, listening: socket.socket, *, access_log: bool) -> None:
    """One process."""
    # Here, not above: other commands of the same program need none of this.
    from service.builder import Builder
    from service.clock import utc_now
    from service.memory import keep_small

    keep_small()
    builder = Builder()
    if _looks_large(settings):
        builder.begin((settings, utc_now()))  # beside what is imported now

    from service import logs
    from service.model_host import ModelHost

    logs.configure()
    host = ModelHost(settings, utc_now, builder)
    host.start()
    # What is imported next would take the processor from what the first answers wait for.
    host.wait_until_busy(_PATIENCE_SECONDS)

    import uvicorn

    from service.app import create_app
    from service.ending import EndingServer

    app = create_app(settings, access_log=access_log, host=host)
    server = EndingServer(uvicorn.Config(app, **_options(settings)))

    def announce() -> None:
        host.tried.wait(_PATIENCE_SECONDS)
        while not server.started:
            time.sleep(0.01)
        ready = "serving" if host.snapshot else "not ready yet"
        click.echo(f"{ready} on {_address(listening)}")

    threading.Thread(target=announce, name="announce", daemon=True).start()
    # uvicorn drains on these signals and afterwards raises them again for the handlers from before. With its own
    # handler there that changes nothing, so the process ends with code 0; and a signal that comes before uvicorn
    # listens for it is not lost.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, server.handle_exit)
    server.run(sockets=[listening])


def _looks_large(settings: ServiceSettings) -> bool:
    """Whether the prices take so much room that answers will be made in a process of its own. A guess, made early."""
    if "://" in settings.store_uri:
        return False
    size = sum(file.stat().st_size for file in Path(settings.store_uri).glob("bars/**/*.parquet"))
    return size > settings.build_apart_rows * _BYTES_A_ROW


def _supervise(settings: ServiceSettings, listening: socket.socket, *, access_log: bool) -> None:
    """Several processes, started anew where one dies."""
    import uvicorn

    from service import logs
    from service.ending import EndingWorkers
    from service.memory import keep_small
    from service.workers import ACCESS_LOG, SETTINGS

    keep_small()  # for what the workers inherit; each does its own part
    logs.configure()
    os.environ[SETTINGS] = settings.model_dump_json(include={"host", "port", "workers", "open_read"})
    os.environ[ACCESS_LOG] = str(int(access_log))
    with tempfile.TemporaryDirectory(prefix="forecaster-metrics-") as shared:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = shared
        config = uvicorn.Config("service.workers:create", factory=True, workers=settings.workers, **_options(settings))
        click.echo(f"{settings.workers} workers start on {_address(listening)}")
        EndingWorkers(config, sockets=[listening]).run()


def _options(settings: ServiceSettings) -> dict[str, Any]:
    """What uvicorn is told, in one process or several."""
    from service.protocol import Patience, PatientProtocol

    patience = Patience(settings.receive_seconds, settings.max_requests)
    return {
        "http": partial(PatientProtocol, patience=patience),
        "ws": "none",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "backlog": _BACKLOG,
        "timeout_keep_alive": _KEEP_ALIVE_SECONDS,
        "timeout_graceful_shutdown": settings.drain_seconds,
    }

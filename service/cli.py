"""`forecaster serve`: the service as a process."""

from __future__ import annotations

import signal
import socket
import threading
import time
from typing import Any, Final

import click
from pydantic import ValidationError

from service.settings import ServiceSettings

# Answers are look-ups; whoever has not taken one by then has gone.
_DRAIN_SECONDS: Final = 10

# A registry that does not answer takes minutes to say so.
_PATIENCE_SECONDS: Final = 30


@click.command(
    short_help="Answer over REST.",
    epilog="""\b
Examples:
  forecaster serve
  forecaster serve --host 0.0.0.0 --port 8080 --access-log
""",
)
@click.option("--host", help="Address to listen on; 0.0.0.0 answers other machines too.  [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="TCP port; 0 takes a free one.  [default: 8000]")
@click.option("--access-log", is_flag=True, help="Log every request.")
def serve(host: str | None, port: int | None, access_log: bool) -> None:
    """Answer over REST until stopped by Ctrl-C or SIGTERM.

    The champion's forecasts of all symbols are made once and served from memory. A new champion and new prices
    are noticed while it runs, so it may be started before there are any.
    """
    given: dict[str, Any] = {"host": host, "port": port}
    try:
        settings = ServiceSettings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        raise click.UsageError(
            f"setting {'.'.join(map(str, first['loc']))}: {first['msg']}, got {first['input']!r}"
        ) from None
    with _listen(settings) as listening:
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


def _run(settings: ServiceSettings, listening: socket.socket, *, access_log: bool) -> None:
    # Here, not above: other commands of the same program need none of this.
    import uvicorn

    from service import logs
    from service.app import create_app

    logs.configure(access_log=access_log)
    app = create_app(settings)
    server = uvicorn.Server(
        uvicorn.Config(app, access_log=access_log, log_config=None, timeout_graceful_shutdown=_DRAIN_SECONDS)
    )

    def announce() -> None:
        app.state.host.tried.wait(_PATIENCE_SECONDS)
        while not server.started:
            time.sleep(0.01)
        host, port = listening.getsockname()[:2]
        ready = "serving" if app.state.host.snapshot else "not ready yet"
        click.echo(f"{ready} on http://{f'[{host}]' if ':' in host else host}:{port}, documentation at /docs")

    threading.Thread(target=announce, name="announce", daemon=True).start()
    # uvicorn drains on these signals and afterwards raises them again for the handlers from before. With its own
    # handler there that changes nothing, so the process ends with code 0; and a signal that comes before uvicorn
    # listens for it is not lost.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, server.handle_exit)
    server.run(sockets=[listening])

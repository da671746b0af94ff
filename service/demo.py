"""`forecaster demo`: the whole product in one go, from real prices to an answer over REST."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError

import click

from forecaster.cli.console import registry, reports_errors, settings
from forecaster.errors import NoModel
from forecaster.settings import Settings

_PROGRAM: Final = (sys.executable, "-m", "forecaster.cli.main")
_HOST: Final = "127.0.0.1"
_PATIENCE_SECONDS: Final = 60
_SYMBOL: Final = "AAPL"


@click.command(
    short_help="Fetch, train, serve and ask, in one go.",
    epilog="""\b
Examples:
  forecaster demo
  forecaster demo --once --home /tmp/forecaster
""",
)
@click.option("--once", is_flag=True, help="End after the first answer instead of serving on.")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="Preferred TCP port.")
@click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    help="Work in the folder demo under this one.  [default: FORECASTER_HOME or ./var]",
)
@reports_errors
def demo(once: bool, port: int, home: Path | None) -> None:
    """Take real prices, train a model, serve it and ask it, printing every command on the way.

    Prices come from the installed sample and models stay in a folder of their own, so neither a network nor an
    account is needed and nothing else is touched. A second run finds the model trained.
    """
    # Ends the children as Ctrl-C does, whoever ends this process.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = ((home or settings().home) / "demo").absolute()
    where = Settings(home=folder, store="", model="next-close", tracking_uri="")
    # All of them, so that nothing of the caller's environment or forecaster.toml leads elsewhere.
    environment = os.environ | {
        "FORECASTER_HOME": str(folder),
        "FORECASTER_STORE": where.store_uri,
        "FORECASTER_MODEL": where.model,
        "MLFLOW_TRACKING_URI": where.registry_uri,
    }
    with _step("prices"):
        _command(environment, "fetch", "--provider", "sample")
    with _step("model"):
        champion = _champion(where)
        if champion is None:
            _command(environment, "train")
        else:
            click.echo(f"skipped: {folder} has {where.model} version {champion} already")
    port = _free(port)
    with _server(port, environment) as server:
        address = f"http://{_HOST}:{port}"
        with _step("service"):
            _wait_until_ready(address, server)
        with _step("answer"):
            click.echo(f"$ curl {address}/v1/forecasts/{_SYMBOL}")
            with _open(f"{address}/v1/forecasts/{_SYMBOL}") as response:
                click.echo(json.dumps(json.load(response), indent=2, ensure_ascii=False))
        if once:
            click.echo(f"\nTo go on serving: FORECASTER_HOME={folder} forecaster serve --open-read")
        else:
            _serve_on(address, server)


def _serve_on(address: str, server: subprocess.Popen[bytes]) -> None:
    try:
        click.echo(
            f"\nServing on {address}: open it in a browser, its documentation is on {address}/docs. Try also:\n"
            f"  curl {address}/v1/symbols\n"
            f"  curl {address}/v1/diagnostics/{_SYMBOL}\n"
            f"  curl {address}/v1/models/next-close\n"
            f"  curl {address}/metrics\n"
            "Ctrl-C stops it."
        )
        code = server.wait()
    except KeyboardInterrupt:
        code = 0
    # A shell that runs the demo in the background makes it deaf to Ctrl-C, and only the service hears it: a service
    # that ended with 0 was asked to.
    if code != 0:
        raise click.ClickException(f"the service ended by itself, with code {code}")
    click.echo("\nstopped")


def _champion(where: Settings) -> str | None:
    try:
        return registry(where).by_alias().version
    except NoModel:
        return None


@contextmanager
def _step(name: str) -> Iterator[None]:
    click.echo(f"\n--- {name}")
    began = time.perf_counter()
    yield
    click.echo(f"--- {name}: {time.perf_counter() - began:.1f} s")


def _command(environment: dict[str, str], *arguments: str) -> None:
    click.echo(f"$ forecaster {' '.join(arguments)}")
    code = subprocess.run((*_PROGRAM, *arguments), env=environment, check=False).returncode
    if code != 0:
        raise click.ClickException(f"forecaster {arguments[0]} ended with code {code}")


@contextmanager
def _server(port: int, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """The service as a child, ended on the way out."""
    # Open to read, as nobody has a key yet, and for this machine only.
    arguments = ("serve", "--open-read", "--host", _HOST, "--port", str(port))
    click.echo(f"\n$ forecaster {' '.join(arguments)}")
    server = subprocess.Popen((*_PROGRAM, *arguments), env=environment)
    try:
        yield server
    finally:
        # After Ctrl-C the terminal has told the child, too; telling it twice does no harm.
        server.terminate()
        server.wait()


def _wait_until_ready(address: str, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    why = "it does not answer"
    while time.monotonic() < until:
        if server.poll() is not None:
            raise click.ClickException(f"the service ended with code {server.returncode}")
        try:
            _open(f"{address}/health/ready").close()
            return
        except HTTPError as error:
            why = json.load(error)["detail"]
        except OSError:  # not listening yet
            pass
        time.sleep(0.1)
    raise click.ClickException(f"the service is not ready after {_PATIENCE_SECONDS} s: {why}")


def _open(url: str) -> Any:
    """The response to a GET, past any proxy that the environment names: the server is on this machine."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=10)


def _free(preferred: int) -> int:
    """`preferred` where nobody listens on it, or else a free port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, preferred))
        except OSError:
            probe.bind((_HOST, 0))
        found: int = probe.getsockname()[1]
    if found != preferred:
        click.echo(f"\nport {preferred} is taken, so the service gets {found}")
    return found

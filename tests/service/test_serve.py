"""The real thing: `forecaster serve` and `forecaster demo` as processes, asked over the loopback."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.service.test_symbols import add_bars, days
from tests.service.tiny_model import ROOT

PROGRAM = (sys.executable, "-m", "forecaster.cli.main")


def environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FORECASTER_", "MLFLOW_"))}
    here = {"FORECASTER_HOME": str(home), "FORECASTER_OPEN_READ": "true", "PYTHONPATH": str(ROOT)}
    return kept | here


@contextmanager
def serving(home: Path, cwd: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str, int]]:
    """A server on a free port: the process, the line that it printed, and the port."""
    process = subprocess.Popen(
        [*PROGRAM, "serve", "--port", "0", *options],
        env=environment(home),
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    ender = threading.Timer(60, process.kill)
    ender.start()
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
        assert found, process.communicate()
        yield process, line, int(found[1])
    finally:
        ender.cancel()
        process.kill()
        process.communicate()


def get(port: int, path: str) -> tuple[int, str, Any]:
    """Status, media type and document. `http.client` sends the path as it is."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.headers["content-type"], json.loads(response.read())
    finally:
        connection.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serves_and_ends_with_code_0(trained_home: Path, tmp_path: Path, number: signal.Signals) -> None:
    with serving(trained_home, tmp_path) as (process, line, port):
        assert line == f"serving on http://127.0.0.1:{port}: dashboard at /, documentation at /docs\n"
        assert get(port, "/health/ready")[0] == 200
        status, media_type, answer = get(port, "/v1/forecasts/AAPL")
        assert (status, media_type) == (200, "application/json")
        assert answer["symbol"] == "AAPL"
        assert answer["stale"] is True  # the prices end in 2013
        for path in ("../../etc/passwd", "..%2f..%2fetc%2fpasswd", "A" * 10_240, "%E8%8C%85%E5%8F%B0", ""):
            status, media_type, problem = get(port, f"/v1/forecasts/{path}")
            assert (status, media_type) == (422, "application/problem+json")
            assert problem["type"] == "urn:stock-forecaster:problem:malformed-symbol"
        if Path("/proc").is_dir():
            mapped = Path(f"/proc/{process.pid}/maps").read_text()
            assert "onnxruntime" in mapped
            assert "tensorflow" not in mapped
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
        assert process.returncode == 0, err
        assert out == ""
        (one_line,) = err.splitlines()
        assert re.fullmatch(
            r'time=\S+Z level=info logger=service\.model_host message="serving next-close version 1: 5 symbols.*"',
            one_line,
        )


def test_serves_without_a_model_and_says_so(tmp_path: Path) -> None:
    with serving(tmp_path / "home", tmp_path, "--access-log") as (process, line, port):
        assert line.startswith("not ready yet on http://")
        assert get(port, "/health/live")[0] == 200
        status, _, problem = get(port, "/health/ready")
        assert status == 503
        assert "forecaster train" in problem["detail"]
        process.terminate()
        _, err = process.communicate(timeout=20)
        assert process.returncode == 0
        assert "level=warning" in err
        (logged,) = [line for line in err.splitlines() if '"/health/live"' in line]
        assert re.search(r'logger=service\.access request=\S+ message="request" method="GET" .* status=200 ms=', logged)


def test_new_prices_are_served_without_a_restart(home: Path, tmp_path: Path) -> None:
    with serving(home, tmp_path) as (process, _, port):
        assert get(port, "/v1/forecasts/OTHER")[0] == 404
        add_bars(home, "OTHER", days(date(2013, 2, 4), 26))
        until = time.monotonic() + 20
        while get(port, "/v1/forecasts/OTHER")[0] != 200:
            assert time.monotonic() < until
            time.sleep(0.1)
        assert process.poll() is None


def test_an_early_signal_ends_it(trained_home: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*PROGRAM, "serve", "--port", "0"],
        env=environment(trained_home),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        process.wait(0.7)
    except subprocess.TimeoutExpired:
        process.terminate()
    process.communicate(timeout=20)
    assert process.returncode in (0, -signal.SIGTERM)


def run(home: Path, cwd: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *arguments],
        env=environment(home) | more,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run(tmp_path, tmp_path, "serve", "--port", port)
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1 port {port}" in done.stderr
    assert "Traceback" not in done.stderr


def test_wrong_usage(tmp_path: Path) -> None:
    assert run(tmp_path, tmp_path, "serve", "--port", "70000").returncode == 2
    done = run(tmp_path, tmp_path, "serve", FORECASTER_REFRESH_SECONDS="0")
    assert done.returncode == 2
    assert "refresh_seconds" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_demo_in_one_go(trained_home: Path, tmp_path: Path) -> None:
    shutil.copytree(trained_home, tmp_path / "demo")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        # Settings that would lead elsewhere: the demo must not follow them.
        elsewhere = {"FORECASTER_STORE": str(tmp_path / "mine"), "FORECASTER_MODEL": "mine"}
        done = run(tmp_path, tmp_path, "demo", "--once", "--port", str(port), "--home", str(tmp_path), **elsewhere)
    assert done.returncode == 0, done.stderr
    assert "forecaster fetch --provider sample" in done.stdout
    assert "skipped" in done.stdout
    assert f"port {port} is taken" in done.stdout
    for step in ("prices", "model", "service", "answer"):
        assert re.search(rf"^--- {step}: \d+\.\d s$", done.stdout, re.MULTILINE)
    curl = re.search(r"^\$ curl http://127\.0\.0\.1:\d+/v1/forecasts/AAPL\n", done.stdout, re.MULTILINE)
    assert curl
    answer, _ = json.JSONDecoder().raw_decode(done.stdout[curl.end() :])
    assert answer["symbol"] == "AAPL"
    assert not (tmp_path / "mine").exists()


# A shell that runs a command in the background has it ignore Ctrl-C from the start.
DEAF = ("sh", "-c", 'trap "" INT; exec "$@"', "sh")


@pytest.mark.parametrize("shell", [(), DEAF], ids=["foreground", "background"])
def test_ctrl_c_ends_the_demo_and_its_server(shell: tuple[str, ...], trained_home: Path, tmp_path: Path) -> None:
    shutil.copytree(trained_home, tmp_path / "demo")
    process = subprocess.Popen(
        [*shell, *PROGRAM, "demo", "--home", str(tmp_path)],
        env=environment(tmp_path),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # a process group of its own, as a terminal gives
    )
    ender = threading.Timer(60, os.killpg, (process.pid, signal.SIGKILL))
    ender.start()
    try:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        assert any("Ctrl-C stops it." in line for line in lines)
        os.killpg(process.pid, signal.SIGINT)
        out, _ = process.communicate(timeout=20)
    finally:
        ender.cancel()
    assert process.returncode == 0, out
    assert out.splitlines()[-1] == "stopped"
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


IMPORTS = """
import sys
from service.app import create_app
from service.settings import ServiceSettings
app = create_app(ServiceSettings())
host = app.state.host
host.refresh()
assert host.snapshot is not None, host.last_error
unwanted = {"tensorflow", "keras", "onnx", "sklearn", "scipy.stats", "scipy.special"} & set(sys.modules)
assert not unwanted, unwanted
"""


def test_the_serving_process_imports_no_training(trained_home: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS],
        env=environment(trained_home),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
